from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.environment import NOT_OF_AN_OPERATOR, variables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
READERS = {"secret", "fallback_secrets", "limits", "rate"}  # and whatever is asked of env or os.environ
FILES = [
    "core/settings.py",
    "core/env.py",
    "core/management/commands/grant_roles.py",
    "engine/worker/scheduler.py",
    "engine/worker/worker_signals.py",
]


def variables_read() -> set[str]:
    """The names that our code asks the environment for."""
    calls = [
        node
        for file in FILES
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
    ]
    return {call.args[0].value for call in calls if _asks_the_environment(call.func)} - NOT_OF_AN_OPERATOR


def _asks_the_environment(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return ast.unparse(function.value) in ("env", "os.environ") and function.attr != "setdefault"
    return getattr(function, "id", "") in READERS


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_variable_is_in_the_table_and_in_the_example():
    table = set(re.findall(r"^\| `([A-Z_]+)`", section("Configure"), re.MULTILINE))

    assert len(table) > 25
    assert table == variables_read()
    assert variables() == table


def test_environment_is_read_in_few_modules_only():
    others = [
        path
        for room in ("engine", "core", "workflows", "tasks", "api", "web")
        for path in (ROOT / room).rglob("*.py")
        if "environ.get(" in path.read_text() or "environ[" in path.read_text()
    ]

    simulated = {"workflows/simulation/process.py", "workflows/simulation/seeds.py"}  # which settings, for a child
    assert {str(path.relative_to(ROOT)) for path in others} <= set(FILES) | simulated


def test_the_default_of_the_table_is_that_of_the_code():
    settings = (ROOT / "core" / "settings.py").read_text()
    defaults = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", section("Configure"), re.MULTILINE))
    numbers = dict(re.findall(r'env\.int\("([A-Z_]+)", default=([0-9_]+)\)', settings))

    assert len(numbers) > 6
    for name, number in numbers.items():
        assert defaults[name].strip() == number.replace("_", "")


def test_every_command_of_the_page_exists():
    named = set(re.findall(r"manage\.py ([a-z_]+)", PAGE))

    assert named >= {"migrate", "grant_roles", "check_invariants", "purge", "export_person", "erase_person"}
    assert named <= set(get_commands())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`countersign_([a-z_]+)", section("Alerts")))))
def test_every_figure_that_wakes_somebody_is_one_of_ours(name):
    assert re.search(rf'"{name}"|countersign_{name}', (ROOT / "core" / "observability" / "metrics.py").read_text())
