"""The protocol against a plain model: in any order of events the rows are what the model says.

Hypothesis makes up the order: births, transitions, claims, deaths, late holders, lost and doubled notifications,
failures, operators and time. HYPOTHESIS_PROFILE=long tries more; a failure prints its steps and a blob to repeat it.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from itertools import cycle
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now
from django.db.transaction import atomic
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.problems import WrongState
from engine import (
    PermanentFailure,
    RemoteUnavailable,
    call_durations,
    claim,
    create,
    executor,
    lease,
    perform,
    perform_many,
    registry,
    retry,
    run_due,
    skip,
    sweep,
)
from engine.call_durations import BUDGET
from engine.errors import TimedOut
from engine.models import CircuitBreaker, Effect, Transition
from engine.testing import advance, crash_after
from tests.factories import StaffFactory
from tests.toy import outside
from tests.toy.models import Door, Visit

DAY = 24 * 3600.0
LEASE = lease.LEASE.total_seconds()
BATCH = 3
TOGETHER = 2  # outcomes of external effects, written in one statement
FOLLOWERS = {  # of the toy, written down once more: (transition, target) -> kinds
    ("begin", "shut"): {"toy.greet"},
    ("begin", "open"): {"toy.greet", "toy.page"},
    ("open_up", "open"): {"toy.close", "toy.count", "toy.log"},
    ("close", "shut"): {"toy.log"},
}
EXTERNAL = {"toy.greet", "toy.log", "toy.page"}
FAULTS = {
    "broken": RuntimeError,
    "pointless": PermanentFailure,
    "unreachable": RemoteUnavailable,
    "slow": TimedOut,
    "database": OperationalError,
    "no answer": TimeoutError,  # it was sent all the same
}
TOO_DEEP: list[Any] = []
for _ in range(100_000):
    TOO_DEEP = [TOO_DEEP]
BAD_ANSWERS = {  # of the far side: it was sent and is done, and what was answered cannot be kept
    "answers NUL": {"text": "a\x00b"},
    "answers half a pair": {"text": "\ud800"},
    "answers too deep": TOO_DEEP,
    "answers NaN": {"x": float("nan")},
    "answers a set": {1, 2},
}
TROUBLE = st.lists(st.sampled_from(sorted(FAULTS)) | st.sampled_from(sorted(BAD_ANSWERS)), min_size=1, max_size=3)

SECONDS = st.sampled_from([0.0, 0.75, 3.0])  # that each call takes; a sum of them is exact
BAD = st.just([0]) | st.lists(st.integers(0, 30), max_size=3)  # which effects fail; 0 means all
SOME = st.just([0]) | st.lists(st.integers(0, 30), min_size=1, max_size=6)  # which effects; 0 means all

settings.register_profile(
    "short",
    max_examples=50,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],
)
settings.register_profile("unshrunk", settings.get_profile("short"), phases=[Phase.generate])  # make mutations
settings.register_profile(
    "long",
    settings.get_profile("short"),
    max_examples=2000,
    stateful_step_count=60,
    derandomize=False,
)
PROFILE = settings(
    settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "short")),
    suppress_health_check=list(HealthCheck),
)


@dataclasses.dataclass
class ExpectedEffect:
    """What the model believes of an effect; times are seconds from now, or back to then."""

    kind: str
    door: Door
    seq: int
    id: UUID
    state: str
    wait: float
    fence: int = 0
    attempts: int = 0
    crashes: int = 0
    solo: bool = False
    age: float | None = None  # since its first failure
    lease: float = 0.0
    gone: bool = False
    applied: int = 0  # times that its work was committed
    calls: int = 0  # times that it reached the far side
    retried: int = 0
    calling: bool = False  # parked, and its holder has not come back
    doom: str = ""  # why it is dead
    kept: set[str] | None = None  # what its outcome says

    @property
    def row(self) -> tuple[Any, ...]:
        return self.state, self.fence, self.attempts, self.crashes, self.solo

    def is_held(self, fence: int) -> bool:
        return self.fence == fence and self.state == "leased"

    def is_unclaimed_since(self, fence: int) -> bool:
        """Who sent it may say so, even if a sweep took it back meanwhile."""
        return self.fence == fence and self.state in {"leased", "uncertain", "ready"}


class Dies(Exception):  # noqa: N818
    """In the model, where the process dies."""


class Protocol(RuleBasedStateMachine):
    """Each rule does something to the rows, and to the model what the engine promises."""

    def __init__(self) -> None:
        super().__init__()
        self.block = atomic()
        self.block._from_testcase = True  # the engine looks away from a test case's own transaction
        self.block.__enter__()
        with connection.cursor() as cursor:
            cursor.execute("SELECT setseed(0.5)")
        claim._serve_next.clear()
        claim._seen_all.clear()
        outside.heard.clear()
        self.staff = StaffFactory(is_superuser=True)
        self.doors: list[Door] = []  # as they are
        self.copies: list[Door] = []  # as somebody has them in memory, new or stale
        self.history: dict[UUID, list[str]] = {}
        self.expected_effects: dict[UUID, ExpectedEffect] = {}
        self.hands: list[list[Effect]] = []  # claims that nobody has finished
        self.failures: dict[str, int] = {}  # to reach the far side
        self.paused: dict[str, float] = {}
        self.faults: dict[UUID, str] = {}
        self.fences: dict[UUID, int] = {}
        self.over: set[UUID] = set()
        self.set_back = 0.0  # seconds that the database's clock was set back
        self.seconds = 0.0
        self.clock = self.now = 0.0  # time.monotonic() of the run, and as the model counts it
        self.mean: float | None = None  # seconds of a call that leaves, as they were lately
        call_durations._mean.clear()
        self.kinds = dict(registry.kinds)
        for name in {kind for kinds in FOLLOWERS.values() for kind in kinds}:
            registry.kinds[name] = self.faulty(registry.kinds[name])

    def teardown(self) -> None:
        try:
            self.everything_heals()
        finally:
            registry.kinds.update(self.kinds)
            connection.set_rollback(True)
            self.block.__exit__(None, None, None)

    def faulty(self, kind: registry.Kind) -> registry.Kind:
        """The handler does its work and then fails, so that what it wrote must vanish; a call fails before."""

        def work(subjects: Any, effects: Any) -> Any:
            assert self.clock <= self.started + BUDGET * (2 if kind.external else 1), "it was too late to begin"
            self.clock += self.seconds
            batch = effects if isinstance(effects, list) else [effects]
            faults = [fault for effect in batch if (fault := self.faults.get(effect.pk)) in FAULTS]
            text = f"{faults} \x00 \ud800"  # of an error, too
            if kind.external and faults and faults[0] != "no answer":
                raise FAULTS[faults[0]](text)
            outcome = kind.run(subjects, effects)
            if faults:
                raise FAULTS[faults[0]](text)
            return BAD_ANSWERS.get(self.faults.get(batch[0].pk, ""), outcome)

        return dataclasses.replace(kind, run=work, batch=BATCH if kind.batch > 1 else 1)

    # Doors

    @initialize()
    def the_first_doors(self) -> None:
        for building in (1, 1, 2):
            self.build(building, is_open=False)
        for door in self.doors:
            perform(door.open_up, by=self.staff)
            self.moved(door, "open_up")

    @precondition(lambda self: len(self.doors) < 5)
    @rule(building=st.integers(1, 2), is_open=st.booleans())
    def build(self, building: int, is_open: bool) -> None:
        door = Door(building=UUID(int=building), status="open" if is_open else "shut")
        create(door)
        self.doors.append(door)
        self.copies.append(Door.objects.get(pk=door.pk))
        self.history[door.pk] = []
        self.moved(door, "begin")

    @rule(number=st.integers(0, 9))
    def copy(self, number: int) -> None:
        self.copies.append(Door.objects.get(pk=pick(self.doors, number).pk))

    @rule(number=st.integers(0, 9))
    def turn_the_key(self, number: int) -> None:
        door = pick(self.doors, number)
        door.refresh_from_db()
        door.is_locked = not door.is_locked
        door.save(update_fields=["is_locked"])

    @rule(number=st.integers(0, 19), verb=st.sampled_from(["open_up", "close"]))
    def move(self, number: int, verb: str) -> None:
        copy = pick(self.copies, number)
        is_new = self.is_new(copy)
        allowed = is_new and copy.status == ("shut" if verb == "open_up" else "open")
        if verb == "open_up":
            allowed = allowed and not copy.is_locked
        try:
            perform(getattr(copy, verb), by=self.staff if verb == "open_up" else None)
        except WrongState:
            assert not allowed
            assert self.is_new(copy), "a refusal leaves memory as the database is"
        else:
            assert allowed
            self.moved(copy, verb)

    @rule(number=st.integers(0, 9))
    def open_and_close(self, number: int) -> None:
        """A copy from before shows the same state, and is stale."""
        door = Door.objects.get(pk=pick(self.doors, number).pk)
        for _ in range(2):
            if door.status == "open":
                perform(door.close)
                self.moved(door, "close")
            elif not door.is_locked:
                perform(door.open_up, by=self.staff)
                self.moved(door, "open_up")

    @rule(number=st.integers(0, 19))
    def move_and_roll_back(self, number: int) -> None:
        """The copy in memory is then ahead of the database."""
        copy = pick(self.copies, number)
        with atomic():
            with suppress(WrongState):
                perform(copy.open_up, by=self.staff) if copy.status == "shut" else perform(copy.close)
            connection.set_rollback(True)

    @rule(
        steps=st.lists(
            st.tuples(st.integers(0, 19), st.sampled_from([True, True, True, False])), min_size=2, max_size=5
        ),
        are_new=st.booleans(),
    )
    def move_several(self, steps: list[tuple[int, bool]], are_new: bool) -> None:
        """In the order given, also one of them twice: all of them or none."""
        doors = Door.objects.in_bulk()
        things = list(doors.values()) if are_new else self.copies
        memory: dict[int, tuple[str, int]] = {}
        rows = {key: (door.status, door.version) for key, door in doors.items()}
        wanted, allowed = [], True
        for number, is_fitting in steps:
            copy = pick(things, number)
            status, version = memory.get(id(copy), (copy.status, copy.version))
            verb = "open_up" if (status == "shut") == is_fitting else "close"
            allowed = allowed and is_fitting and not (verb == "open_up" and copy.is_locked)
            allowed = allowed and rows[copy.pk] == (status, version)
            memory[id(copy)] = rows[copy.pk] = ("open" if verb == "open_up" else "shut", version + 1)
            wanted.append((copy, verb))
        before = [dict(copy.__dict__) for copy, _ in wanted]
        try:
            with engine_may_open(), atomic():
                perform_many([getattr(copy, verb) for copy, verb in wanted])
        except WrongState:
            assert not allowed
            for (copy, _), values in zip(wanted, before, strict=True):
                assert copy.__dict__ == values or self.is_new(copy)
        else:
            assert allowed
            for copy, verb in wanted:
                self.moved(copy, verb)

    def is_new(self, copy: Door) -> bool:
        return (copy.version, copy.status) == Door.objects.values_list("version", "status").get(pk=copy.pk)

    def moved(self, door: Door, verb: str) -> None:
        """A transition was committed: the model now expects its effects."""
        self.history[door.pk].append(verb)
        seq = len(self.history[door.pk])
        written = Effect.objects.filter(object_id=door.pk, seq=seq)
        rows = {effect.kind: effect for effect in written}
        expected = FOLLOWERS[verb, "open" if verb == "open_up" else "shut" if verb == "close" else door.status]
        assert set(rows) == expected
        for kind in sorted(expected):
            later = kind == "toy.close"
            self.expected_effects[rows[kind].pk] = ExpectedEffect(
                kind, door, seq, rows[kind].pk, "waiting" if later else "ready", wait=300.0 if later else 0.0
            )

    # Claims

    def takable(self, expected: ExpectedEffect) -> bool:
        return expected.state == "ready" and not any(
            earlier.state not in {"done", "skipped"}
            for earlier in self.expected_effects.values()
            if expected.kind == earlier.kind == "toy.log"
            and earlier.door.pk == expected.door.pk
            and earlier.seq < expected.seq
        )

    def claimable(self, ids: list[UUID]) -> set[UUID]:
        named = [self.expected_effects[key] for key in ids]
        return {expected.id for expected in named if self.takable(expected) and (not expected.solo or len(ids) == 1)}

    def claimed(self, effects: list[Effect]) -> None:
        for effect in effects:
            expected = self.expected_effects[effect.pk]
            expected.state, expected.fence, expected.lease, expected.gone = "leased", expected.fence + 1, LEASE, False
            assert effect.fence == expected.fence

    def pick_ids(self, numbers: list[int]) -> list[UUID]:
        keys = list(self.expected_effects)
        if 0 in numbers:
            return keys
        return list(dict.fromkeys(keys[number % len(keys)] for number in numbers))

    @rule(numbers=SOME)
    def claim_named(self, numbers: list[int]) -> None:
        self.hands.append(self.claim(self.pick_ids(numbers)))

    def claim(self, ids: list[UUID]) -> list[Effect]:
        expected = self.claimable(ids)
        effects = claim.claim_named(ids)
        assert {effect.pk for effect in effects} == expected
        self.claimed(effects)
        return effects

    @rule(lane=st.sampled_from(["inward", "outward"]), limit=st.integers(1, 8))
    def claim_fair_share(self, lane: str, limit: int) -> None:
        effects = self.claim_share(lane, limit)
        self.hands.append(effects)

    @rule(lanes=st.sampled_from([["inward"], ["outward"], ["inward", "outward"]]), limit=st.integers(1, 8))
    def claim_recent(self, lanes: list[str], limit: int) -> None:
        """It may leave what is old for its next look for everything, and takes nothing that the other would not."""
        takable = set().union(*map(self.takable_in, lanes))
        effects = claim.claim_recent(lanes, limit)
        assert {effect.pk for effect in effects} <= takable
        assert len(effects) <= max(limit, 3) * len(lanes)
        self.claimed(effects)
        self.hands.append(effects)

    def claim_share(self, lane: str, limit: int) -> list[Effect]:
        takable = self.takable_in(lane)
        effects = claim.claim_fair_share(lane, limit)
        assert {effect.pk for effect in effects} <= takable
        assert bool(effects) == bool(takable)
        assert len(effects) <= max(limit, 3)  # one at least for each building
        self.claimed(effects)
        return effects

    def takable_in(self, lane: str) -> set[UUID]:
        return {
            expected.id
            for expected in self.expected_effects.values()
            if self.takable(expected) and not expected.solo and (expected.kind in EXTERNAL) == (lane == "outward")
        }

    # Work

    @contextmanager
    def trouble(self, numbers: list[int], faults: list[str], seconds: float = 0.0) -> Iterator[None]:
        """Effects fail, each in one of these ways, and each call takes so long."""
        self.faults = dict(zip(self.pick_ids(numbers), cycle(faults), strict=False))
        self.seconds = seconds
        yield
        self.faults, self.seconds = {}, 0.0

    @precondition(lambda self: self.hands)
    @rule(
        number=st.integers(0, 9),
        bad=BAD,
        faults=TROUBLE,
        seconds=SECONDS,
        point=st.sampled_from([None, None, None, "start", "work", "done"]),
    )
    def pay(self, number: int, bad: list[int], faults: list[str], seconds: float, point: str | None) -> None:
        """A holder goes on, however late, and perhaps dies."""
        effects = self.hands.pop(number % len(self.hands))
        with self.trouble(bad, faults, seconds):
            self.pay_and_compare(effects, point)

    @rule(
        numbers=SOME,
        bad=BAD,
        faults=TROUBLE,
        seconds=SECONDS,
    )
    def notify(self, numbers: list[int], bad: list[int], faults: list[str], seconds: float) -> None:
        """A notification may come for anything, at any time, twice."""
        ids = self.pick_ids(numbers)
        with self.trouble(bad, faults, seconds):
            self.answer(ids)

    @contextmanager
    def time_of_the_run(self) -> Iterator[None]:
        self.started = self.now = self.clock
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: self.clock))
            yield

    def answer(self, ids: list[UUID]) -> None:
        expected = self.claimable(ids)
        real = executor._execute_all
        seen: list[Effect] = []

        def note(effects: list[Effect]) -> int:
            seen.extend(effects)
            return real(effects)

        with self.time_of_the_run(), pytest.MonkeyPatch.context() as patch:
            patch.setattr(executor, "_execute_all", note)
            doors = versions()
            assert run_due(ids) == len(expected)
        assert {effect.pk for effect in seen} == expected
        self.claimed(seen)
        self.paid(seen, None, doors)

    @rule(numbers=SOME)
    def die_with_a_claim(self, numbers: list[int]) -> None:
        ids = self.pick_ids(numbers)
        expected = self.claimable(ids)
        if expected:
            with crash_after("claim"):
                run_due(ids)
            for key in expected:
                expected = self.expected_effects[key]
                expected.state, expected.fence, expected.lease, expected.gone = (
                    "leased",
                    expected.fence + 1,
                    LEASE,
                    True,
                )

    def pay_and_compare(self, effects: list[Effect], point: str | None) -> None:
        before = versions()
        died = True
        try:
            with self.time_of_the_run(), crash_after(point) if point else nullcontext():  # type: ignore[arg-type]
                executor._execute_all(effects)
        except AssertionError as error:
            if "nothing came" not in str(error):
                raise
            died = False
        predicted = self.paid(effects, point, before)
        assert predicted == (died and point is not None)

    def paid(self, effects: list[Effect], point: str | None, versions: dict[UUID, int]) -> bool:
        """What the engine does with a claim; whether the process died on the way."""
        ends, ends_outside = self.now + BUDGET, 0.0
        groups: dict[str, list[Effect]] = {}
        for effect in effects:
            groups.setdefault(effect.kind, []).append(effect)
        try:
            for kind, group in sorted(groups.items(), key=lambda item: item[0] in EXTERNAL):
                if kind in EXTERNAL:
                    ends_outside = ends_outside or min(ends, self.now) + BUDGET
                    self.sent(kind, group, point, ends_outside)
                else:
                    size = BATCH if kind == "toy.count" else 1
                    for start in range(0, len(group), size):
                        if self.now > ends:
                            self.given_back(group[start:])
                            break
                        self.worked(group[start : start + size], point, versions, ends)
        except Dies:
            for effect in effects:
                expected = self.expected_effects[effect.pk]
                is_under_lease = expected.state == "leased" or expected.calling
                expected.gone = expected.gone or (expected.fence == effect.fence and is_under_lease)
            return True
        return False

    def given_back(self, effects: list[Effect], *, solo: bool = False) -> None:
        """Nothing of them was begun, and nothing is charged."""
        for expected in [
            self.expected_effects[effect.pk]
            for effect in effects
            if self.expected_effects[effect.pk].is_held(effect.fence)
        ]:
            expected.state, expected.solo = "ready", expected.solo or solo

    def worked(self, effects: list[Effect], point: str | None, versions: dict[UUID, int], ends: float) -> None:
        expected_effects = [self.expected_effects[effect.pk] for effect in effects]
        held = [
            self.expected_effects[effect.pk]
            for effect in effects
            if self.expected_effects[effect.pk].is_held(effect.fence)
        ]
        if len(held) < len(effects):
            self.given_back(effects)
            return
        if point == "start":
            raise Dies
        self.now += self.seconds
        faults = [fault for expected in expected_effects if (fault := self.faults.get(expected.id)) in FAULTS]
        if not faults:
            if point == "work":
                raise Dies
            for expected in expected_effects:
                expected.state, expected.attempts, expected.applied = (
                    "done",
                    expected.attempts + 1,
                    expected.applied + 1,
                )
                if expected.kind == "toy.close" and versions[expected.door.pk] == expected.seq:
                    versions[expected.door.pk] += 1
                    self.moved(expected.door, "close")
            if point == "done":
                raise Dies
        elif faults[0] == "slow" and len(expected_effects) > 1:
            self.given_back(effects, solo=True)
        elif len(expected_effects) == 1:
            self.failed(expected_effects[0], faults[0])
        else:
            middle = len(effects) // 2
            for half in effects[:middle], effects[middle:]:
                if self.now > ends:
                    self.given_back(half, solo=True)
                else:
                    self.worked(half, point, versions, ends)

    def sent(self, kind: str, effects: list[Effect], point: str | None, ends: float) -> None:
        had_breaker = kind in self.failures
        if 0 < self.paused.get(kind, 0) <= lease.LONGEST_PAUSE:
            self.postponed(effects, self.paused[kind])
            return
        unwritten: list[Effect] = []
        for position, effect in enumerate(effects):
            expected = self.expected_effects[effect.pk]
            fault = self.faults.get(effect.pk)
            if self.now + ((self.mean or 0.0) if position else 0.0) > ends:
                self.written(unwritten, point)
                self.given_back(effects[position:])
                return
            if expected.is_held(effect.fence):
                if kind == "toy.page":
                    expected.state, expected.calling = "uncertain", True
                if point == "start":
                    raise Dies
                self.now += self.seconds
                mean = self.seconds if self.mean is None else self.mean
                self.mean = mean + call_durations.NEWEST_WEIGHT * (self.seconds - mean)
                if fault == "unreachable":
                    self.written(unwritten, point)
                    self.failures[kind] = count = self.failures.get(kind, 0) + 1
                    if count >= 5:
                        self.paused[kind] = min(300.0, 5.0 * 2 ** (count - 5))
                    self.postponed(effects[position:], 0.0)
                    return
                if fault not in FAULTS or fault == "no answer":
                    expected.calls += 1
                if fault not in FAULTS and point == "work":
                    raise Dies
                if fault not in FAULTS:
                    unwritten.append(effect)
                else:
                    self.answered(expected, fault)
                if had_breaker:
                    had_breaker = False
                    self.failures.pop(kind, None)
                    self.paused.pop(kind, None)
            if kind == "toy.page" or len(unwritten) == TOGETHER:
                self.written(unwritten, point)
                unwritten = []
        self.written(unwritten, point)

    def written(self, effects: list[Effect], point: str | None) -> None:
        """The outcomes of what was sent are written down, those that still are the holder's."""
        for effect in effects:
            expected = self.expected_effects[effect.pk]
            if expected.is_unclaimed_since(effect.fence):
                expected.state, expected.attempts, expected.calling = "done", expected.attempts + 1, False
                expected.kept = {"not_keepable", "text"} if expected.id in self.faults else {"receipt"}
        if effects and point == "done":
            raise Dies

    def answered(self, expected: ExpectedEffect, fault: str) -> None:
        expected.calling = False
        if expected.kind == "toy.page" and fault != "pointless":
            expected.attempts += 1
        else:
            self.failed(expected, fault)

    def failed(self, expected: ExpectedEffect, fault: str) -> None:
        is_of_the_far_side = expected.kind in EXTERNAL and fault in {"no answer", "slow"}
        longest = min(3600.0 if is_of_the_far_side else 900.0, 2.0 * 2**expected.attempts)
        expected.attempts += 1
        if fault == "pointless":
            expected.doom = "permanent"
        elif is_of_the_far_side:
            expected.doom = "a day" if expected.attempts >= 12 and (expected.age or 0) > DAY else ""
        elif expected.attempts >= 12:
            expected.doom = "attempts"
        elif (expected.age or 0) > DAY:
            expected.doom = "a day"
        expected.age = expected.age or 0.0
        expected.state = "dead" if expected.doom else "waiting"
        expected.wait = self.wait_of(expected)
        assert 0 <= expected.wait <= longest

    def postponed(self, effects: list[Effect], pause: float) -> None:
        for effect in effects:
            expected = self.expected_effects[effect.pk]
            if expected.is_held(effect.fence) or expected.calling:
                expected.calling = False
                expected.doom = "a day" if (expected.age or 0) > DAY else ""
                expected.age = expected.age or 0.0
                expected.state = "dead" if expected.doom else "waiting"
                expected.wait = self.wait_of(expected)
                assert pause <= expected.wait <= pause + 2.001

    def wait_of(self, expected: ExpectedEffect) -> float:
        run_at, now = Effect.objects.values_list("run_at", Now()).get(pk=expected.id)
        return float((run_at - now).total_seconds())

    @rule(
        numbers=SOME,
        bad=BAD,
        faults=TROUBLE,
        seconds=SECONDS,
        is_done=st.booleans(),
    )
    def overtake(self, numbers: list[int], bad: list[int], faults: list[str], seconds: float, is_done: bool) -> None:
        """A holder sleeps past its lease, others take over, and then it wakes up."""
        late = self.claim(self.pick_ids(numbers))
        self.time_passes(40)
        for ids in self.swept():
            if is_done:
                self.answer(ids)
            else:
                self.hands.append(self.claim(ids))
        with self.trouble(bad, faults, seconds):
            self.pay_and_compare(late, None)

    @rule(number=st.integers(0, 30), times=st.integers(2, 13), fault=st.sampled_from(["broken", "unreachable", "slow"]))
    def fail_again_and_again(self, number: int, times: int, fault: str) -> None:
        ids = [pick(list(self.expected_effects), number)]
        for _ in range(times):
            self.time_passes(1000)
            self.swept()
            with self.trouble([0], [fault]):
                self.answer(ids)

    # Time, and what it brings back

    @rule(seconds=st.sampled_from([2, 40, 400, 10_000]))
    def time_passes(self, seconds: float) -> None:
        advance(seconds=seconds)
        for expected in self.expected_effects.values():
            if expected.state not in {"done", "skipped"}:
                expected.wait -= seconds
                expected.age = None if expected.age is None else expected.age + seconds
                expected.lease -= seconds if seconds > LEASE else 0
        self.paused = {kind: pause - seconds for kind, pause in self.paused.items()}

    @rule(seconds=st.sampled_from([-7200, -600, -50, -20, 50, 600, 7200]))
    def the_clock_is_set(self, seconds: float) -> None:
        """The database's, forward or back: what was to be at a moment is as much nearer or farther.

        Leases have then no session that could be seen to be gone, as behind a pooler: time alone ends them.
        """
        passed = timedelta(seconds=seconds)
        Effect.objects.filter(lease_pid__gt=0).update(lease_pid=None)
        Effect.objects.exclude(state__in=Effect.FINISHED).update(
            run_at=F("run_at") - passed,
            failing_since=F("failing_since") - passed,
            lease_until=F("lease_until") - passed,
        )
        CircuitBreaker.objects.update(paused_until=F("paused_until") - passed)
        self.set_back += max(0.0, -seconds)
        for expected in self.expected_effects.values():
            if expected.state not in {"done", "skipped"}:
                expected.wait -= seconds
                expected.age = None if expected.age is None else expected.age + seconds
                expected.lease -= seconds
        self.paused = {kind: pause - seconds for kind, pause in self.paused.items()}

    @precondition(lambda self: self.hands)
    @rule(number=st.integers(0, 9))
    def a_session_ends(self, number: int) -> None:
        """PostgreSQL saw the holder go, though it may come back: a connection was lost, not the process."""
        for effect in pick(self.hands, number):
            expected = self.expected_effects[effect.pk]
            if expected.fence == effect.fence and expected.state == "leased":
                Effect.objects.filter(pk=effect.pk).update(lease_pid=0)
                expected.gone = True

    @rule()
    def sweep(self) -> None:
        self.swept()

    def swept(self) -> list[list[UUID]]:
        woken = set()
        for expected in self.expected_effects.values():
            is_over = expected.gone or not 0 <= expected.lease <= 2 * LEASE
            if expected.state == "leased" and is_over:
                expected.crashes += expected.solo
                expected.doom = "crashes" if expected.crashes >= 3 else ""
                expected.state, expected.solo, expected.gone = "dead" if expected.doom else "ready", True, False
            elif expected.calling and is_over:
                expected.calling = expected.gone = False
            elif expected.state == "waiting" and expected.wait <= 0:
                expected.state = "ready"
                woken.add(expected.id)
        ready = [expected for expected in self.expected_effects.values() if expected.state == "ready"]
        alone = {expected.id for expected in ready if expected.solo}
        together = {expected.id for expected in ready if expected.id in woken or abs(expected.wait) > 1} - alone
        batches = sweep()
        assert batches == [[key] for key in sorted(alone)] + ([sorted(together)] if together else [])
        return batches

    # Operators

    @rule(number=st.integers(0, 30), verb=st.sampled_from(["retry", "skip"]))
    def operate(self, number: int, verb: str) -> None:
        expected = pick(list(self.expected_effects.values()), number)
        can = (expected.state in {"dead", "uncertain"} and not expected.calling) or (
            expected.state == "waiting" and expected.fence > 0
        )
        effect = Effect.objects.get(pk=expected.id)
        try:
            if verb == "retry":
                retry(effect, by=self.staff, reason="again")
            else:
                skip(effect, by=self.staff, reason="never mind")
        except WrongState:
            assert not can
            return
        assert can
        expected.fence += 1
        expected.doom = ""
        if verb == "retry":
            expected.state, expected.attempts, expected.crashes, expected.solo = "ready", 0, 0, False
            expected.retried += 1
            expected.wait, expected.age = 0.0, None
        else:
            expected.state = "skipped"

    # What must hold after every step

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        rows = Effect.objects.values_list("pk", "state", "fence", "attempts", "crashes", "solo")
        found = {key: tuple(row) for key, *row in rows}
        assert found == {key: expected.row for key, expected in self.expected_effects.items()}
        for key, (state, fence, *_) in found.items():
            assert fence >= self.fences.get(key, 0)
            self.fences[key] = fence
            assert key not in self.over or state in Effect.FINISHED
            if state in Effect.FINISHED:
                self.over.add(key)

    @invariant()
    def every_transition_is_there_with_exactly_what_follows_from_it(self) -> None:
        facts = Transition.objects.order_by("object_id", "seq").annotate(kinds=ArrayAgg("effects__kind"))
        history: dict[UUID, list[str]] = {}
        for key, seq, name, target, kinds in facts.values_list("object_id", "seq", "name", "target", "kinds"):
            names = history.setdefault(key, [])
            names.append(name)
            assert seq == len(names)
            assert sorted(kinds) == sorted(FOLLOWERS[name, target])
        assert history == self.history

    @invariant()
    def inside_nothing_is_done_twice_and_done_means_done(self) -> None:
        visits = Counter(Visit.objects.values_list("effect_id", flat=True))
        for expected in self.expected_effects.values():
            if expected.kind == "toy.count":
                assert visits[expected.id] == expected.applied == (expected.state == "done")

    @invariant()
    def outside_nothing_is_done_that_was_not_sent_under_its_key(self) -> None:
        calls = Counter(key for _, key in outside.heard)
        for expected in self.expected_effects.values():
            if expected.kind in EXTERNAL:
                assert calls[expected.id] == expected.calls
                assert expected.calls > 0 or expected.state != "done"
                assert expected.kind != "toy.page" or expected.calls <= 1 + expected.retried

    @invariant()
    def what_the_far_side_answered_is_kept_or_described(self) -> None:
        """One answer that cannot be kept costs nobody theirs, and nobody another call."""
        for key, outcome in Effect.objects.filter(kind__in=EXTERNAL).values_list("pk", "outcome"):
            assert self.expected_effects[key].kept == (None if outcome is None else set(outcome))

    @invariant()
    def what_is_dead_has_a_reason(self) -> None:
        for expected in self.expected_effects.values():
            assert (expected.state == "dead") == bool(expected.doom)

    # The end

    def everything_heals(self) -> None:
        """Nobody fails any more: whatever is not stuck for a person gets done, by sweeping and working alone.

        And in time, with what a clock was set back.
        """
        for _ in range(60):
            self.time_passes(400 + self.set_back // 10)
            batches = self.swept()
            for ids in batches:
                self.answer(ids)
            for lane in ("inward", "outward"):
                while effects := self.claim_share(lane, 100):
                    self.pay_and_compare(effects, None)
            if not any(
                expected.state in {"waiting", "leased"} or self.takable(expected)
                for expected in self.expected_effects.values()
            ):
                break
        self.the_rows_are_what_the_model_says()
        self.inside_nothing_is_done_twice_and_done_means_done()
        self.outside_nothing_is_done_that_was_not_sent_under_its_key()
        stuck = {
            expected.door.pk for expected in self.expected_effects.values() if expected.state in {"dead", "uncertain"}
        }
        for expected in self.expected_effects.values():
            waits_its_turn = expected.kind == "toy.log" and expected.state == "ready" and expected.door.pk in stuck
            assert expected.state in {"done", "skipped", "dead", "uncertain"} or waits_its_turn


@contextmanager
def engine_may_open() -> Iterator[None]:
    """All steps of a set are one caller's, and of a door's two verbs one is people's: so both are the engine's here."""
    (edge,) = Door.open_up._django_fsm.transitions.values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge, "permission", None)
        patch.setattr(inspect.unwrap(Door.open_up), "__kwdefaults__", {"by": None, "note": ""})
        yield


def versions() -> dict[UUID, int]:
    return dict(Door.objects.values_list("pk", "version"))


def pick(things: list[Any], number: int) -> Any:
    return things[number % len(things)]


@pytest.mark.timeout(0)
@pytest.mark.django_db(transaction=True)
def test_protocol_keeps_its_promises_in_any_order_of_events(monkeypatch):
    # An example is one transaction, in which now() stands still; Django's Now() would go on.
    monkeypatch.setattr(Now, "as_postgresql", Now.as_sql)
    monkeypatch.setattr(executor.log, "disabled", True)
    # By number alone, however slow the machine.
    monkeypatch.setattr(executor, "MAX_OUTCOMES", TOGETHER)
    monkeypatch.setattr("engine.subjects.READ_AT_ONCE", TOGETHER)
    monkeypatch.setattr(executor, "MAX_OUTCOME_AGE", float("inf"))
    monkeypatch.setattr(sys.modules["engine.sweeper"], "ALONE_AT_ONCE", 1000)
    # Or there would be a mail for each death.
    monkeypatch.setattr(sys.modules["engine.alerts"], "_handlers", [])
    run_state_machine_as_test(Protocol, settings=PROFILE)
