"""Every block of Python in docs/engine.md: a piece of the toy, or run from top to bottom as one program."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

import engine
from core.problems import WrongState
from engine import create, registry, testing
from engine.models import Effect, Transition
from engine.stateful import DirectStateChange
from tests.factories import StaffFactory
from tests.toy import effects
from tests.toy.models import Door

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engine.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
QUOTES = [block for block in BLOCKS if block.startswith("# tests/")]
STEPS = [block for block in BLOCKS if block not in QUOTES and not re.match(r"# [\w/]+\.py\n", block)]


@pytest.fixture
def reader(monkeypatch) -> dict[str, object]:
    """What somebody has imported who follows the page, and a registry of their own."""
    monkeypatch.setattr(registry, "kinds", registry.kinds.copy())
    monkeypatch.setattr(sys.modules["engine.alerts"], "_handlers", [])
    building = UUID(int=7)
    create(Door(building=building, status="open"))
    Effect.objects.filter(kind="toy.page").update(state="uncertain")
    return {
        **{name: getattr(engine, name) for name in engine.__all__},
        **{name: getattr(effects, name) for name in ("count_visits", "greet", "page_porter")},
        "Door": Door,
        "Effect": Effect,
        "Transition": Transition,
        "StaffFactory": StaffFactory,
        "DirectStateChange": DirectStateChange,
        "WrongState": WrongState,
        "pytest": pytest,
        "timedelta": timedelta,
        "building": building,
        "caretaker": StaffFactory(),
        "operator": StaffFactory(is_superuser=True),
    }


def test_code_on_the_page_is_the_code_of_the_toy():
    assert len(QUOTES) == 3
    for block in QUOTES:
        name, _, code = block.partition("\n")
        assert code in (ROOT / name.removeprefix("# ")).read_text(), f"{name} says something else now"


def test_the_page_can_be_followed_from_top_to_bottom(reader):
    assert len(STEPS) >= 10
    for block in STEPS:
        exec(located(block), reader)

    tests = [value for name, value in reader.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        names = test.__code__.co_varnames[: test.__code__.co_argcount]
        test(**{name: getattr(testing, name) for name in names})


def test_everything_that_the_engine_offers_is_on_the_page():
    untold = [name for name in engine.__all__ if not re.search(rf"\b{name}\b", PAGE)]

    assert untold == ["Step", "allowed_actions"]  # what `caused_by` makes, and what a page of buttons asks


def located(block: str) -> object:
    """Compiled so that a traceback shows the line of the page."""
    line = PAGE[: PAGE.index(block)].count("\n")
    return compile("\n" * line + block, str(ROOT / "docs" / "engine.md"), "exec")
