"""The first tests are by hand; the last one lets Hypothesis choose the order and the crashes.

First by hand, then in whatever order Hypothesis makes up, with crashes: the counts are what the rows are.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections import Counter
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.problems import WrongState
from engine import (
    NewEffect,
    PermanentFailure,
    claim,
    create,
    executor,
    gather,
    registry,
    reschedule,
    retry,
    retry_many,
    run_due,
    schedule,
    schedule_batch,
    schedule_many,
    skip,
    sweep,
)
from engine.models import Batch, Effect
from engine.operator_actions import skip_outward
from engine.purge import purge
from engine.testing import advance, crash_after
from tests.engine.test_protocol import PROFILE
from tests.factories import StaffFactory
from tests.toy import outside
from tests.toy.effects import count_visits, greet, log_remotely, page_porter
from tests.toy.models import Door, Visit
from workflows.reporting.invariants import BATCHES

THEN = "inventory:1"


@pytest.fixture
def door(run_effects):
    door = Door()
    create(door)
    run_effects()
    return door


@pytest.fixture
def operator():
    return StaffFactory(is_superuser=True)


def new_effects(door: Door, *names: str, handler: Any = count_visits) -> list[NewEffect]:
    return [NewEffect(handler, name, about=door) for name in names]


def then(door: Door) -> NewEffect:
    return NewEffect(greet, THEN, about=door)


def counts(key: str = THEN) -> tuple[int, int, int, bool]:
    batch = Batch.objects.get(then__key=key)
    return batch.total, batch.done, batch.skipped, batch.completed_at is not None


def state(key: str) -> str:
    return str(Effect.objects.get(key=key).state)


def unlawful() -> list[Any]:
    found = []
    with connection.cursor() as cursor:
        for sql in BATCHES.values():
            cursor.execute(sql)
            found += cursor.fetchall()
    return found


@pytest.mark.django_db
def test_effect_after_a_batch_is_due_when_all_members_are_done(door, run_effects):
    batch = schedule_batch(new_effects(door, "a", "b") + new_effects(door, "c", handler=greet), then=then(door))

    assert (batch.total, batch.completed_at, state(THEN)) == (3, None, "waiting")
    run_due([Effect.objects.get(key="a").pk])
    assert counts() == (3, 1, 0, False)
    assert state(THEN) == "waiting"
    assert unlawful() == []

    run_due([Effect.objects.get(key="b").pk, Effect.objects.get(key="c").pk])
    assert counts() == (3, 3, 0, True)
    assert state(THEN) == "ready"

    run_effects()
    assert state(THEN) == "done"
    assert outside.heard.count(("greet", Effect.objects.get(key=THEN).pk)) == 1
    assert unlawful() == []


@pytest.mark.django_db
def test_dead_member_leaves_the_batch_open_until_it_is_skipped(door, run_effects, operator, monkeypatch):
    schedule_batch(new_effects(door, "a", "b", handler=greet), then=then(door))
    dead = Effect.objects.get(key="a")
    fail_only(monkeypatch, dead.pk)

    run_effects()
    assert (state("a"), counts(), state(THEN)) == ("dead", (2, 1, 0, False), "waiting")

    skip(dead, by=operator, reason="not needed")
    assert (counts(), state(THEN)) == ((2, 1, 1, True), "ready")


@pytest.mark.django_db
def test_dead_member_that_is_retried_completes_the_batch(door, run_effects, operator, monkeypatch):
    schedule_batch(new_effects(door, "a", "b", handler=greet), then=then(door))
    with monkeypatch.context() as patch:
        fail_only(patch, Effect.objects.get(key="a").pk)
        run_effects()

    retry_many(Effect.objects.filter(state="dead"), by=operator)
    assert counts() == (2, 1, 0, False)
    run_effects()

    assert (counts(), state(THEN)) == ((2, 2, 0, True), "done")


def fail_only(patch: pytest.MonkeyPatch, key: UUID) -> None:
    def work(subject: Any, effect: Any) -> Any:
        if effect.pk == key:
            raise PermanentFailure("no")
        return greet(subject, effect)

    patch.setitem(registry.kinds, "toy.greet", dataclasses.replace(registry.kinds["toy.greet"], run=work))


@pytest.mark.django_db
def test_batch_of_nothing_is_complete_at_once(door, run_effects):
    batch = schedule_batch([], then=then(door))

    assert (batch.total, batch.completed_at is not None, state(THEN)) == (0, True, "ready")
    run_effects()
    assert state(THEN) == "done"


@pytest.mark.django_db
def test_batch_is_made_once_for_its_key(door):
    assert schedule_batch(new_effects(door, "a"), then=then(door)) is not None

    assert schedule_batch(new_effects(door, "b"), then=then(door)) is None
    assert gather([], then=then(door)) is None

    assert counts() == (1, 0, 0, False)
    assert not Effect.objects.filter(key="b").exists()


@pytest.mark.django_db
def test_batch_waits_for_earlier_effects_and_not_for_finished_ones(door, run_effects):
    schedule(count_visits, key="over", about=door)
    run_effects()
    schedule(count_visits, key="open", about=door)

    schedule_batch(new_effects(door, "over", "open", "new"), then=then(door))

    assert counts() == (2, 0, 0, False)
    run_effects()
    assert counts() == (2, 2, 0, True)


@pytest.mark.django_db
def test_effect_is_of_one_batch(door, run_effects):
    schedule_batch(new_effects(door, "a"), then=then(door))
    schedule_batch(new_effects(door, "a", "b"), then=NewEffect(greet, "another", about=door))

    assert counts("another") == (1, 0, 0, False)
    run_effects()
    assert (counts(), counts("another")) == ((1, 1, 0, True), (1, 1, 0, True))


@pytest.mark.django_db
def test_batch_may_be_part_of_another(door, run_effects):
    schedule_batch(new_effects(door, "a"), then=then(door))
    schedule_batch(new_effects(door, THEN), then=NewEffect(greet, "outer", about=door))

    run_due([Effect.objects.get(key="a").pk])
    assert (counts(), counts("outer"), state("outer")) == ((1, 1, 0, True), (1, 0, 0, False), "waiting")
    run_effects()
    assert (counts("outer"), state("outer")) == ((1, 1, 0, True), "done")


@pytest.mark.django_db
def test_batch_of_more_than_one_statement_carries_is_one(door, run_effects):
    schedule_batch(new_effects(door, *(f"many:{number}" for number in range(1201))), then=then(door))

    assert counts() == (1201, 0, 0, False)
    run_effects()
    assert (counts(), state(THEN)) == ((1201, 1201, 0, True), "done")
    assert unlawful() == []


@pytest.mark.django_db
def test_batch_with_an_invalid_effect_is_not_made(door):
    with pytest.raises(ValueError, match="NUL"):
        schedule_batch([*new_effects(door, "a"), NewEffect(greet, "b", payload={"text": "\0"})], then=then(door))

    assert not Effect.objects.filter(key__in=["a", "b", THEN]).exists()
    assert not Batch.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("when", [{"after": timedelta(1)}, {"at": datetime(2030, 1, 1, tzinfo=UTC)}])
def test_effect_after_a_batch_has_no_due_time_of_its_own(door, when):
    with pytest.raises(ValueError, match="complete"):
        schedule_batch([], then=NewEffect(greet, THEN, about=door, **when))


@pytest.mark.django_db
def test_timers_that_are_gathered_keep_their_time(door, run_effects, advance):
    ids = schedule_many(
        [NewEffect(count_visits, f"later:{days}", about=door, after=timedelta(days=days)) for days in (1, 2)]
    )
    gather([key for key in ids if key], then=then(door))

    advance(days=1, minutes=1)
    run_effects()
    assert (counts(), state(THEN)) == ((2, 1, 0, False), "waiting")
    advance(days=1)
    run_effects()
    assert (counts(), state(THEN)) == ((2, 2, 0, True), "done")


@pytest.mark.django_db
def test_member_that_was_gathered_in_the_hands_of_a_worker_is_counted(door):
    """Its worker read it before it was of a batch."""
    key = schedule(greet, key="a", about=door)
    held = claim.claim_named([key])
    gather([key], then=then(door))

    executor._execute_all(held)

    assert (counts(), state(THEN)) == ((1, 1, 0, True), "ready")


@pytest.mark.django_db
def test_skip_outward_counts_too(door, operator):
    schedule_batch(new_effects(door, "a", "b", handler=greet), then=then(door))
    schedule_batch(new_effects(door, "c", handler=greet), then=NewEffect(greet, "another", about=door))
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() + interval '1 minute'")
        due_before = cursor.fetchone()[0]

    skip_outward(due_before=due_before, by=operator, reason="restored")

    assert (counts(), counts("another")) == ((2, 0, 2, True), (1, 0, 1, True))


@pytest.mark.django_db
@pytest.mark.parametrize("point", ["claim", "start", "work", "done"])
def test_crash_counts_nothing_twice(door, run_effects, point):
    schedule_batch(new_effects(door, "a", "b"), then=then(door))
    with crash_after(point):
        run_effects()
    assert unlawful() == []

    run_effects()

    assert (counts(), state(THEN)) == ((2, 2, 0, True), "done")
    assert outside.heard.count(("greet", Effect.objects.get(key=THEN).pk)) == 1


@pytest.mark.django_db
def test_member_that_is_moved_is_still_one(door, run_effects, advance):
    key = schedule(count_visits, key="later", about=door, after=timedelta(days=1))
    gather([key], then=then(door))
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() + interval '2 days'")
        reschedule({key: cursor.fetchone()[0]})

    advance(days=1, minutes=1)
    run_effects()
    assert counts() == (1, 0, 0, False)
    advance(days=1)
    run_effects()
    assert counts() == (1, 1, 0, True)


@pytest.mark.django_db
def test_effect_after_an_open_batch_cannot_be_retried(door, operator):
    schedule_batch(new_effects(door, "a"), then=then(door))

    for verb in (retry, skip):
        with pytest.raises(WrongState):
            verb(Effect.objects.get(key=THEN), by=operator, reason="now")


@pytest.mark.django_db
def test_members_of_an_open_batch_are_not_purged(door, run_effects, monkeypatch):
    purgeable = dataclasses.replace(registry.kinds["toy.count"], purgeable=True)
    monkeypatch.setitem(registry.kinds, "toy.count", purgeable)
    schedule_batch(
        [*new_effects(door, "a"), NewEffect(count_visits, "later", about=door, after=timedelta(days=9))],
        then=then(door),
    )
    run_effects()
    Effect.objects.filter(key="a").update(
        created_at=Now() - timedelta(days=40), done_at=Now() - timedelta(days=39), id=UUID(int=1 << 64)
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - interval '1 day'")
        before = cursor.fetchone()[0]

    purge(before)
    assert (Effect.objects.filter(key="a").exists(), unlawful()) == (True, [])

    Effect.objects.filter(key="later").update(state="done", done_at=Now())
    purge(before)
    assert unlawful() == []


@pytest.mark.django_db
@pytest.mark.parametrize("change", [{"done": 3}, {"skipped": 2}, {"completed_at": Now()}, {"total": 0}])
def test_counts_that_cannot_be_are_refused(door, change):
    schedule_batch(new_effects(door, "a"), then=then(door))

    with pytest.raises(IntegrityError), atomic():
        Batch.objects.update(**change)


@pytest.mark.django_db
def test_batch_adds_no_statement_to_a_run(door):
    """The database counts, in the statement that ends the members."""
    schedule_many(new_effects(door, "a", "b"))
    with CaptureQueriesContext(connection) as before:
        run_due(of=["inward"])
    schedule_batch(new_effects(door, "c", "d"), then=then(door))
    with CaptureQueriesContext(connection) as after:
        run_due(of=["inward"])

    assert len(after) == len(before) > 0


@pytest.mark.django_db(transaction=True)
def test_members_that_end_at_the_same_moment_are_all_counted():
    """Two sessions, each with one member of both batches: neither waits for the other for ever, and one completes."""
    door = Door()
    create(door)
    run_due()
    for name in ("first", "second"):
        schedule_batch(new_effects(door, *(f"{name}:{n}" for n in range(40))), then=NewEffect(greet, name, about=door))
    ids = list(Effect.objects.filter(kind="toy.count", state="ready").values_list("pk", flat=True))
    mine, yours = ids[::2], ids[1::2][::-1]
    errors: list[BaseException] = []

    def work(keys: list[UUID]) -> None:
        try:
            for start in range(0, len(keys), 10):
                run_due(keys[start : start + 10])
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(keys,)) for keys in (mine, yours)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert (counts("first"), counts("second")) == ((40, 40, 0, True), (40, 40, 0, True))
    assert {state("first"), state("second")} == {"ready"}


FAULTS = {"broken": RuntimeError, "pointless": PermanentFailure, "no answer": TimeoutError}
HANDLERS = [count_visits, greet, log_remotely, page_porter]
KEYS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=4)  # handler and number


class Batches(RuleBasedStateMachine):
    """The members are the model; after each step the rows of the batches are what the members say."""

    def __init__(self) -> None:
        super().__init__()
        self.block = atomic()
        self.block._from_testcase = True
        self.block.__enter__()
        claim._serve_next.clear()
        claim._seen_all.clear()
        outside.heard.clear()
        self.operator = StaffFactory(is_superuser=True)
        self.members: dict[str, set[UUID]] = {}  # by the key of what follows
        self.faults: dict[UUID, str] = {}
        self.hands: list[list[Effect]] = []
        self.kinds = dict(registry.kinds)
        for handler in HANDLERS:
            registry.kinds[handler.kind.name] = self.faulty(registry.kinds[handler.kind.name])  # type: ignore[attr-defined]

    def teardown(self) -> None:
        try:
            self.everything_heals()
        finally:
            registry.kinds.update(self.kinds)
            connection.set_rollback(True)
            self.block.__exit__(None, None, None)

    def faulty(self, kind: registry.Kind) -> registry.Kind:
        def work(subjects: Any, effects: Any) -> Any:
            for effect in effects if isinstance(effects, list) else [effects]:
                if effect.key in self.members:
                    assert self.is_over(effect.key), "what follows ran before its batch was complete"
                if effect.pk in self.faults:
                    raise FAULTS[self.faults[effect.pk]]("fault")
            return kind.run(subjects, effects)

        return dataclasses.replace(kind, run=work, batch=3 if kind.batch > 1 else 1)

    @initialize()
    def doors(self) -> None:
        self.door = Door()
        create(self.door)

    def new_effects(self, keys: list[tuple[int, int]]) -> list[NewEffect]:
        return [NewEffect(HANDLERS[kind], f"{kind}:{number}", about=self.door) for kind, number in keys]

    @rule(keys=KEYS)
    def schedule_alone(self, keys: list[tuple[int, int]]) -> None:
        schedule_many(self.new_effects(keys))

    @rule(keys=KEYS, number=st.integers(0, 4), kind=st.integers(0, 1), inner=st.integers(0, 4) | st.none())
    def schedule_set(self, keys: list[tuple[int, int]], number: int, kind: int, inner: int | None) -> None:
        """Perhaps with what follows another one in it."""
        name = f"then:{number}"
        new_effects = self.new_effects(keys)
        if inner is not None and inner < number and f"then:{inner}" in self.members:
            new_effects.append(NewEffect(HANDLERS[0], f"then:{inner}", about=self.door))
        before = set(Effect.objects.values_list("key", flat=True))
        free = self.free([effect.key for effect in new_effects]) | {
            effect.key for effect in new_effects if effect.key not in before
        }
        made = schedule_batch(new_effects, then=NewEffect(HANDLERS[kind], name, about=self.door))
        self.made(name, made, free, before)

    @rule(numbers=st.lists(st.integers(0, 30), max_size=5), number=st.integers(5, 7))
    def gather(self, numbers: list[int], number: int) -> None:
        name = f"then:{number}"
        rows = list(Effect.objects.exclude(key__startswith="then:").values_list("pk", "key"))
        picked = [rows[position % len(rows)] for position in numbers]
        before = set(Effect.objects.values_list("key", flat=True))
        free = self.free([key for _, key in picked])
        made = gather([pk for pk, _ in picked], then=NewEffect(count_visits, name, about=self.door))
        self.made(name, made, free, before)

    def free(self, keys: list[str]) -> set[str]:
        taken = set().union(*self.members.values())
        rows = Effect.objects.filter(key__in=keys).exclude(state__in=Effect.FINISHED).exclude(pk__in=taken)
        return set(rows.values_list("key", flat=True))

    def made(self, name: str, made: Batch | None, free: set[str], before: set[str]) -> None:
        assert (made is None) == (name in self.members)
        if made is None:
            assert set(Effect.objects.values_list("key", flat=True)) == before
            return
        self.members[name] = set(Effect.objects.filter(key__in=free).values_list("pk", flat=True))
        assert made.total == len(self.members[name]) == len(free)

    @rule(
        numbers=st.lists(st.integers(0, 60), min_size=1, max_size=8),
        bad=st.lists(st.integers(0, 60), max_size=4),
        fault=st.sampled_from(sorted(FAULTS)),
        point=st.sampled_from([None, None, "claim", "start", "work", "done"]),
        is_late=st.booleans(),
    )
    def work(self, numbers: list[int], bad: list[int], fault: str, point: Any, is_late: bool) -> None:
        """Some are claimed and paid, now or by a holder that sleeps, and perhaps it dies."""
        ids = self.pick(numbers)
        if is_late:
            self.hands.append(claim.claim_named(ids))
            return
        self.faults = dict.fromkeys(self.pick(bad), fault) if bad else {}
        with suppress(AssertionError) if point else nullcontext(), crash_after(point) if point else nullcontext():
            run_due(ids)
        self.faults = {}

    @rule(number=st.integers(0, 9))
    def wake_up(self, number: int) -> None:
        if self.hands:
            executor._execute_all(self.hands.pop(number % len(self.hands)))

    def pick(self, numbers: list[int]) -> list[UUID]:
        ids = list(Effect.objects.order_by("id").values_list("pk", flat=True))
        return [ids[number % len(ids)] for number in numbers]

    @rule(seconds=st.sampled_from([2, 40, 1000]))
    def time_passes(self, seconds: int) -> None:
        advance(seconds=seconds)
        sweep()

    @rule(numbers=st.lists(st.integers(0, 60), min_size=1, max_size=3), verb=st.sampled_from(["retry", "skip"]))
    def operate(self, numbers: list[int], verb: str) -> None:
        for effect in Effect.objects.filter(pk__in=self.pick(numbers)):
            with suppress(WrongState):
                (retry if verb == "retry" else skip)(effect, by=self.operator, reason="again")

    def is_over(self, name: str) -> bool:
        states = Effect.objects.filter(pk__in=self.members[name]).values_list("state", flat=True)
        return set(states) <= set(Effect.FINISHED)

    @invariant()
    def the_counts_are_what_the_members_are(self) -> None:
        rows = {batch.then.key: batch for batch in Batch.objects.select_related("then")}
        assert set(rows) == set(self.members)
        found = Counter(Effect.objects.exclude(batch=None).values_list("batch__then__key", "state"))
        for name, members in self.members.items():
            batch = rows[name]
            assert batch.total == len(members) == sum(n for (key, _), n in found.items() if key == name)
            assert (batch.done, batch.skipped) == (found[name, "done"], found[name, "skipped"])
            assert (batch.completed_at is not None) == self.is_over(name)

    @invariant()
    def what_follows_is_due_when_its_batch_is_complete_and_not_before(self) -> None:
        for effect in Effect.objects.filter(key__in=self.members):
            assert ((effect.state, effect.fence) == ("waiting", 0)) != self.is_over(effect.key)
        assert unlawful() == []

    def everything_heals(self) -> None:
        """Nobody fails any more, and what lies on the desk is tried again: each batch is followed, once."""
        for _ in range(30):
            if not Effect.objects.exclude(state__in=Effect.FINISHED).exists():
                break
            advance(seconds=4000)
            for ids in sweep():
                run_due(ids)
            while run_due():
                pass
            retry_many(Effect.objects.filter(state__in=Effect.NEEDS_ATTENTION), by=self.operator)
        self.the_counts_are_what_the_members_are()
        following = Effect.objects.filter(key__in=self.members)
        assert {effect.state for effect in following} <= set(Effect.FINISHED)
        visits = Counter(Visit.objects.values_list("effect_id", flat=True))
        for effect in following.filter(kind="toy.count"):
            assert visits[effect.pk] == (effect.state == "done")


@pytest.mark.timeout(0)
@pytest.mark.django_db(transaction=True)
def test_batch_is_counted_and_followed_once_in_any_order_of_events(monkeypatch):
    monkeypatch.setattr(Now, "as_postgresql", Now.as_sql)
    monkeypatch.setattr(executor.log, "disabled", True)
    monkeypatch.setattr(executor, "MAX_OUTCOMES", 2)
    monkeypatch.setattr(executor, "MAX_OUTCOME_AGE", float("inf"))
    monkeypatch.setattr(executor, "BUDGET", float("inf"))
    monkeypatch.setattr(sys.modules["engine.alerts"], "_handlers", [])
    is_long = PROFILE.max_examples > 50
    run_state_machine_as_test(
        Batches, settings=PROFILE if is_long else settings(PROFILE, max_examples=20, stateful_step_count=20)
    )
