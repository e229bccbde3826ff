"""Wrong declarations are refused at import, in one clear line (H25)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from functools import partial

import pytest
from django.test.utils import isolate_apps
from django_fsm import transition

from engine import effect_handler, on, registry
from engine.stateful import Stateful, StatusField
from tests.toy.effects import count_visits, greet, page_porter
from tests.toy.models import Door


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """What these tests declare is forgotten."""
    monkeypatch.setattr(registry, "kinds", dict(registry.kinds))
    lines = {cause: list(known) for cause, known in registry.follow_ups.items()}
    monkeypatch.setattr(registry, "follow_ups", defaultdict(list, lines))


def handler(subject, effect):
    pass


@pytest.mark.parametrize(
    ("name", "options", "complaint"),
    [
        ("x.zero", {"timeout": 0}, "x.zero: a timeout is above 0 and at most"),
        ("x.past", {"timeout": -1}, "x.past: a timeout is above 0 and at most"),
        ("x.long", {"timeout": 3600}, "x.long: a timeout is above 0 and at most"),
        ("x.keyless", {"idempotent": False}, "x.keyless: idempotent=False is for external effects"),
        ("x.none", {"batch": 0}, "x.none: a batch is of 1 at least"),
        ("x" * 61, {}, "the name 'x+' has 61 characters, and from 1 to 60"),
        ("", {}, "the name '' has 0 characters"),
        ("x.lane", {"lane": "l" * 21}, "x.lane: the lane 'l+' has 21 characters, and from 1 to 20"),
    ],
)
def test_a_wrong_word_of_an_effect_is_refused(name, options, complaint):
    """H25"""
    with pytest.raises(ValueError, match=complaint):
        effect_handler(name, **options)

    assert name not in registry.kinds


@pytest.mark.parametrize("run", [lambda: None, lambda _: None, lambda _a, _b, _c: None])
def test_a_handler_takes_an_object_and_its_effect(run):
    """H25"""
    with pytest.raises(ValueError, match=r"x\.arity: a handler takes an object and its effect"):
        effect_handler("x.arity")(run)

    assert "x.arity" not in registry.kinds


def test_longest_names_that_can_be_kept_are_taken():
    effect_handler("x" * 60, lane="l" * 20)(handler)

    assert registry.kinds["x" * 60].lane == "l" * 20


@pytest.mark.parametrize("cause", [Door, Door.open_up], ids=["birth", "transition"])
def test_a_line_about_a_state_that_is_never_reached_is_refused(cause):
    """H25"""
    with pytest.raises(ValueError, match=r"on\(Door, \w+\): it never leads to 'opne', only to \['open'"):
        on(cause, greet, to="opne")


@pytest.mark.parametrize(
    ("cause", "kind", "options"),
    [
        (Door.open_up, count_visits, {"after": timedelta(hours=1)}),
        (Door.open_up, count_visits, {"to": "open"}),
        (Door, greet, {"to": "open"}),
        (Door, page_porter, {}),
    ],
)
def test_a_kind_follows_a_transition_once(cause, kind, options):
    """H25: its key is made of the transition and the kind, so with two the transition could never be taken."""
    with pytest.raises(ValueError, match=r"on\(Door, \w+\): toy\.\w+ follows it already"):
        on(cause, kind, **options)


def test_a_kind_may_follow_each_of_two_targets_and_a_line_may_be_read_twice():
    before = len(registry.follow_ups["door", "begin"])

    on(Door, page_porter, to="shut")
    on(Door, page_porter, to="open")

    assert len(registry.follow_ups["door", "begin"]) == before + 1


@pytest.mark.parametrize("condition", [partial(handler, effect=1), lambda door: door.pk], ids=["partial", "lambda"])
def test_a_condition_without_a_name_is_refused(condition):
    """H25: a refusal shows it by its name."""
    with isolate_apps("tests.toy"), pytest.raises(ValueError, match=r"Gate\.lift: the condition .* has no name"):

        class Gate(Stateful):
            status = StatusField(default="down", choices=[("down", "down"), ("up", "up")])

            class Meta:
                app_label = "toy"

            @transition(field=status, source="down", target="up", conditions=[condition])
            def lift(self):
                pass


def test_a_transition_whose_name_cannot_be_kept_is_refused():
    """H25"""
    with isolate_apps("tests.toy"):

        class Hatch(Stateful):
            status = StatusField(default="down", choices=[("down", "down"), ("up", "up")])

            class Meta:
                app_label = "toy"

            def lift(self):
                pass

            lift.__name__ = "l" * 61
            lift = transition(field=status, source="down", target="up")(lift)

    with pytest.raises(ValueError, match=r"the transition's name 'l+' has 61 characters"):
        on(Hatch.lift, greet)
