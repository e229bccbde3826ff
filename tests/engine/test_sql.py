from __future__ import annotations

import ast
import importlib
import re
from itertools import count
from pathlib import Path

import pytest
from django.db import connection

from engine.sql import FOLDER, PLACE, loaded

ROOT = Path(__file__).parents[2]
FILES = sorted(FOLDER.glob("*.sql"))
HEADER = re.compile(r"-- (name|piece): (\w+)\n(?:-- .+\n)+(?!--)\S")
PARAMETER = re.compile(r"%(?:\(\w+\))?s")
LOADING = ("statement", "_claiming")
MODULES = [path for path in sorted((ROOT / "engine").rglob("*.py")) if "from engine.sql import" in path.read_text()]

for path in MODULES:
    importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def header(path: Path) -> tuple[str, str]:
    found = HEADER.match(path.read_text())
    assert found, f"{path.name} begins with `-- name: {path.stem}` and a comment that says what it is for"
    return found[1], found[2]


def texts() -> list[tuple[str, str]]:
    named = {path.stem for path in FILES if header(path)[0] == "name"}
    return [(name, text) for name in sorted(named & loaded.keys()) for text in sorted(loaded[name])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_holds_one_statement_of_its_name_with_a_comment(path):
    text = path.read_text()
    assert header(path)[1] == path.stem
    assert len(re.findall(r"^-- (?:name|piece): ", text, re.MULTILINE)) == 1
    assert ";" not in re.sub("^--.*", "", text, flags=re.MULTILINE)


def test_every_statement_is_loaded_and_every_piece_is_part_of_one():
    kinds = {path.stem: header(path)[0] for path in FILES}
    parts = {place for path in FILES for place in PLACE.findall(path.read_text())} | loaded.keys()
    assert {name for name, kind in kinds.items() if kind == "name"} - loaded.keys() == set()
    assert {name for name, kind in kinds.items() if kind == "piece"} - parts == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_executes_what_it_loads(path):
    tree = ast.parse(path.read_text())
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assigned = [node for node in tree.body if isinstance(node, ast.Assign) and _loads(node.value)]
    names = {name.id for node in assigned for name in ast.walk(node.targets[0]) if isinstance(name, ast.Name)}
    assert names, "it loads none"
    assert names - read == set()


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "text"), texts(), ids=[name for name, _ in texts()])
def test_statement_is_one_that_the_server_prepares(name, text):
    with connection.cursor() as cursor:
        sql, parameters = numbered(text)
        cursor.execute(f"PREPARE {name} AS {sql}")
        cursor.execute("SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = %s", [name])
        assert cursor.fetchone() == (parameters,)
        cursor.execute(f"DEALLOCATE {name}")


def _loads(value: ast.expr) -> bool:
    calls = value.elts if isinstance(value, ast.Tuple) else [value]
    return all(
        isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in LOADING for call in calls
    )


def numbered(text: str) -> tuple[str, int]:
    """With $1, $2... for its parameters, and how many these are.

    Each place counts for itself, since Django writes the values into some of them: one value may have two types there.
    """
    numbers = count(1)
    return PARAMETER.sub(lambda _: f"${next(numbers)}", text), len(PARAMETER.findall(text))
