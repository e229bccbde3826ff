"""The tests that are marked with what they guard: read from the source, so that no test has to be imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Marked:
    """A test, what it is about, and the guard without which it is red: a name in the database or a dotted path."""

    threat: str
    guard: str
    test: str


def marked() -> list[Marked]:
    """In the order of the files."""
    return [found for path in sorted((ROOT / "tests").rglob("test_*.py")) for found in _of(path)]


def _of(path: Path) -> Iterator[Marked]:
    source = path.read_text()
    if "mark.guards(" not in source:
        return
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.guards":
                threat, guard = (ast.literal_eval(argument) for argument in mark.args)
                yield Marked(threat, guard, f"{path.relative_to(ROOT)}::{node.name}")
