"""The file of each noun begins with how its operations are used; the fixture `happy` sees that they answer well."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.api.published import operations

FILES = sorted(Path(__file__).parent.glob("test_*.py"))
# Where the path's own word is not the noun, or is two nouns' word.
NOUNS = {
    "auth/register/": "registration",
    "auth/password/": "passwords",
    "auth/email/": "passwords",
    "account/members/": "members",
    "account/": "accounts",
}


def noun_of(operation: str) -> str:
    path = operation.split(" ")[1]
    if path.endswith("/preview/"):
        return "previews"
    named = next((noun for start, noun in NOUNS.items() if path.startswith(start)), None)
    return named or path.removeprefix("billing/").removeprefix("admin/").removeprefix("workflows/").split("/")[0]


def marked(function: ast.FunctionDef) -> set[str]:
    """The operations of its marks, also of those of its parameters."""
    calls = [node for each in function.decorator_list for node in ast.walk(each) if isinstance(node, ast.Call)]
    return {
        ast.literal_eval(operation)
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.happy"
        for operation in call.args
    }


def functions_of(path: Path) -> list[ast.FunctionDef]:
    functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
    return [function for function in functions if function.name.startswith("test_")]


def test_every_operation_has_its_happy_path_in_the_file_of_its_noun():
    places = {
        operation: path.stem.removeprefix("test_").replace("_", "-")
        for path in FILES
        for function in functions_of(path)
        for operation in marked(function)
    }

    assert places == {operation: noun_of(operation) for operation in operations()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_happy_paths_come_first(path):
    are_happy = [bool(marked(function)) for function in functions_of(path)]

    assert are_happy == sorted(are_happy, reverse=True)
