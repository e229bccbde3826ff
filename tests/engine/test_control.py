"""Pauses, releases and rates against a plain model, in any order."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.db.transaction import atomic
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.problems import WrongState
from engine import (
    NewEffect,
    blocked,
    claim,
    create_many,
    let_go,
    pause,
    registry,
    resume,
    run_due,
    schedule_many,
    sweep,
)
from engine.models import Effect
from engine.pauses import pauses, set_rate
from engine.testing import advance
from tests.factories import OperatorFactory
from tests.toy import outside
from tests.toy.effects import count_visits, greet, log_remotely
from tests.toy.models import Door

BUILDINGS = [UUID(int=1), UUID(int=2)]
HANDLERS = [greet, count_visits, log_remotely]
SCOPES = [
    ("kind", "toy.greet"),
    ("kind", "toy.count"),
    ("lane", "inward"),
    ("lane", "outward"),
    ("tenant", str(BUILDINGS[0])),
    ("tenant", str(BUILDINGS[1])),
    ("outward", ""),
    ("all", ""),
]
EXTERNAL = {"toy.greet", "toy.log"}


class Control(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.block = atomic()
        self.block._from_testcase = True  # the engine looks away from a test case's own transaction
        self.block.__enter__()
        outside.heard.clear()
        claim._serve_next.clear()
        claim._seen_all.clear()
        blocked.invalidate()
        self.operator = OperatorFactory()
        self.doors = [Door(building=building) for building in BUILDINGS]
        create_many(self.doors)
        Effect.objects.update(state="done", done_at=Now())
        self.born = set(Effect.objects.values_list("pk", flat=True))
        self.number, self.passed = 0, 0.0
        self.may_go: dict[UUID, set[UUID]] = {}  # by pause
        self.calls: list[float] = []  # of greetings, since the rate was set
        self.rate = 0

    def teardown(self) -> None:
        try:
            self.all_goes_in_the_end()
        finally:
            connection.set_rollback(True)
            self.block.__exit__(None, None, None)

    @property
    def now(self) -> float:
        return self.passed + time.monotonic()

    @rule(handler=st.sampled_from(HANDLERS), door=st.integers(0, 1), count=st.integers(1, 4))
    def schedule_some(self, handler: object, door: int, count: int) -> None:
        effects = [NewEffect(handler, f"{self.number + n}", about=self.doors[door]) for n in range(count)]
        self.number += count
        assert all(schedule_many(effects))

    @rule(what=st.sampled_from(SCOPES), hours=st.sampled_from([None, None, 1]))
    def somebody_pauses(self, what: tuple[str, str], hours: int | None) -> None:
        is_paused = any((one.scope, one.name) == what for one in self.active())
        until = timezone.now() + timedelta(hours=hours) if hours else None
        try:
            made = pause(*what, by=self.operator, reason="why", until=until)
        except WrongState:
            assert is_paused
        else:
            assert not is_paused
            self.may_go[made.pk] = set()

    @rule(number=st.integers(0, 9))
    def somebody_resumes(self, number: int) -> None:
        if active := self.active():
            resume(active[number % len(active)], by=self.operator)

    @rule(number=st.integers(0, 9), count=st.integers(1, 3))
    def somebody_lets_some_go(self, number: int, count: int) -> None:
        if active := self.active():
            paused = active[number % len(active)]
            before = set(paused.let_go)
            gone = let_go(paused, count, by=self.operator)
            assert gone <= count
            new = set(paused.let_go) - before
            assert len(new) == gone
            self.may_go[paused.pk] |= new

    @rule(rate=st.sampled_from([1, 2, 0]))
    def somebody_sets_a_rate(self, rate: int) -> None:
        set_rate("toys", f"{rate}/m" if rate else "", by=self.operator)
        self.rate, self.calls = rate, []

    @rule(seconds=st.sampled_from([1, 10, 40, 100, 4000]))
    def time_passes(self, seconds: int) -> None:
        advance(seconds=seconds)
        self.passed += seconds

    @rule(way=st.sampled_from(["fairly", "lately", "named"]))
    def a_worker_looks(self, way: str) -> None:
        for handler in HANDLERS:  # so that there is something to stop, whatever Hypothesis leaves out
            self.schedule_some(handler, door=self.number % 2, count=1)
        stopped = {row.pk for row in self.left() if self.is_stopped(row)}
        greeted = self.greeted()
        if way == "fairly":
            run_due()
        elif way == "lately":
            run_due(lately=True)
        else:
            for ids in [*sweep(), [row.pk for row in self.left()[:3]]]:
                run_due(ids)
        self.calls += [self.now] * (self.greeted() - greeted)
        still = {row.pk for row in self.left()}
        assert stopped <= still, "what was paused was done"

    @invariant()
    def what_waits_is_uncharged(self) -> None:
        found = set(Effect.objects.exclude(state="done").values_list("state", "attempts", "crashes", "last_error"))
        assert found <= {("ready", 0, 0, "")}

    @invariant()
    def no_minute_has_more_calls_than_the_rate(self) -> None:
        if self.rate:
            for first in self.calls:
                assert len([moment for moment in self.calls if first <= moment < first + 60]) <= self.rate

    def all_goes_in_the_end(self) -> None:
        for paused in self.active():
            resume(paused, by=self.operator)
        set_rate("toys", "", by=self.operator)
        while run_due():
            pass
        assert not self.left()
        assert set(Counter(outside.heard).values()) <= {1}

    def active(self) -> list:
        return list(pauses())

    def left(self) -> list[Effect]:
        return list(Effect.objects.exclude(state="done").order_by("pk"))

    def greeted(self) -> int:
        return Effect.objects.filter(kind="toy.greet", state="done").exclude(pk__in=self.born).count()

    def is_stopped(self, row: Effect) -> bool:
        active = self.active()
        if any(row.pk in self.may_go.get(paused.pk, ()) for paused in active):
            return False
        return any(
            paused.scope == "all"
            or (paused.scope == "outward" and row.kind in EXTERNAL)
            or (paused.scope == "kind" and paused.name == row.kind)
            or (paused.scope == "lane" and paused.name == row.lane)
            or (paused.scope == "tenant" and paused.name == str(row.account_id))
            for paused in active
        )


@pytest.mark.timeout(0)
@pytest.mark.django_db(transaction=True)
def test_only_allowed_effects_run_under_any_pauses_and_rates(monkeypatch):
    # An example is one transaction, in which now() stands still; Django's Now() would go on.
    monkeypatch.setattr(Now, "as_postgresql", Now.as_sql)
    monkeypatch.setattr(sys.modules["engine.alerts"], "_handlers", [])
    monkeypatch.setitem(registry.rates, "toys", None)
    for name in ("toy.greet",):
        monkeypatch.setitem(registry.kinds, name, dataclasses.replace(registry.kinds[name], throttle="toys"))
    profile = settings(
        max_examples=20,
        stateful_step_count=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(Control, settings=profile)
