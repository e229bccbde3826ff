"""A failure is charged to the effect that caused it and to no other."""

from __future__ import annotations

import dataclasses
import smtplib
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import reduce
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import OperationalError, connection, connections
from django.db.models import F

from core.problems import WrongState
from engine import (
    NewEffect,
    PermanentFailure,
    RetryAfter,
    claim,
    create_many,
    executor,
    lease,
    perform_many,
    registry,
    retry,
    retry_many,
    run_due,
    schedule,
    schedule_many,
    subjects,
    sweep,
)
from engine.models import Effect, EffectEvent
from engine.testing import advance, crash_after, run_effects
from tests.factories import StaffFactory
from tests.toy import outside
from tests.toy.effects import count_visits, greet
from tests.toy.models import Door

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_far_side():
    outside.heard.clear()
    claim._serve_next.clear()
    claim._seen_all.clear()
    yield
    connection.close()  # a test may have ended its session


@pytest.fixture
def stand_in(monkeypatch):
    def change(kind, **changes):
        monkeypatch.setitem(registry.kinds, kind, dataclasses.replace(registry.kinds[kind], **changes))

    return change


def doors(count, **fields):
    made = [Door(building=UUID(int=1), **fields) for _ in range(count)]
    create_many(made)
    return made


def of(kind):
    return Effect.objects.filter(kind=kind)


def calls():
    return Counter(key for _, key in outside.heard)


def raises(error):
    def run(*_):
        raise error

    return run


def end_session():
    """As an operator may, or a failover: the server ends the session that this process has."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    other.close()


def test_operational_error_of_a_row_is_that_rows_failure(stand_in):
    """H3: it was taken for one of the database, and the whole batch was tried again for ever."""
    shut = doors(10)
    run_effects()
    count = registry.kinds["toy.count"].run

    def too_long_for_an_index(rows, effects):
        count(rows, effects)
        if shut[3] in rows:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TEMP TABLE long (x text) ON COMMIT DROP; CREATE INDEX ON long (x)")
                cursor.execute("INSERT INTO long SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i")

    stand_in("toy.count", run=too_long_for_an_index)
    perform_many([door.open_up for door in shut], by=StaffFactory())

    run_due()

    assert of("toy.count").filter(state="done").count() == 9
    bad = of("toy.count").get(object_id=shut[3].pk)
    assert (bad.state, bad.attempts) == ("waiting", 1)
    assert "index row" in bad.last_error


def test_row_that_ends_its_session_is_dead_after_three_times_alone(stand_in):
    """H3: nobody ever counted it."""
    shut = doors(3)
    run_effects()
    count = registry.kinds["toy.count"].run

    def end_it(rows, effects):
        if shut[1] in rows:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        count(rows, effects)

    stand_in("toy.count", run=end_it)
    perform_many([door.open_up for door in shut], by=StaffFactory())

    for _ in range(6):
        run_due()
        for ids in sweep():
            run_due(ids)

    rows = dict(of("toy.count").values_list("object_id", "state"))
    assert [rows[door.pk] for door in shut] == ["done", "dead", "done"]
    assert of("toy.count").get(state="dead").crashes == 3


def test_full_disk_is_nobodys_failure_and_is_not_tried_again_at_once(stand_in):
    """H3: each child tried, and wrote lines to the log, a hundred times a second."""

    class FullError(Exception):
        sqlstate = "53100"

    def full(*_):
        raise OperationalError("no space left") from FullError()

    shut = doors(3)
    run_effects()
    stand_in("toy.count", run=full)
    perform_many([door.open_up for door in shut], by=StaffFactory())

    run_due()

    assert set(of("toy.count").values_list("state", "attempts")) == {("waiting", 0)}
    assert not run_due()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, {"at": "2026-01-01T00:00:00+00:00"}),
        ({"text": "a\x00b"}, None),
        ({"x": float("nan")}, None),
        ({"text": "\ud800"}, None),
        ({"x": object()}, None),
        ("x" * 70_000, None),
        (reduce(lambda inner, _: [inner], range(100_000), []), None),
    ],
    ids=["date", "nul", "nan", "surrogate", "object", "large", "deep"],
)
def test_answer_that_cannot_be_kept_is_described_and_costs_nobody_anything(stand_in, answer, kept):
    """H5: it was found when the answers of 25 were written, and all of them were sent again."""
    shut = doors(6)

    def call(door, effect):
        outside.send("greet", key=effect.pk)
        return answer if door.pk == shut[2].pk else {"ok": 1}

    stand_in("toy.greet", run=call)

    run_due()

    assert set(of("toy.greet").values_list("state", "attempts", "crashes")) == {("done", 1, 0)}
    assert set(calls().values()) == {1}
    outcome = of("toy.greet").get(object_id=shut[2].pk).outcome
    assert outcome == kept or set(outcome) == {"not_keepable", "text"}


def hours_until_dead(kind):
    hours = 0.0
    while hours < 40 and kind.exclude(state="dead").exists():
        run_effects()
        advance(minutes=20)
        hours += 1 / 3
    return hours


def test_unavailable_remote_is_retried_for_a_day(stand_in):
    """H7: an hour of 4xx killed the mails; their twelve attempts were over after 24 minutes."""
    doors(5)
    stand_in("toy.greet", run=raises(smtplib.SMTPDataError(451, b"try again later")))

    assert 24 <= hours_until_dead(of("toy.greet")) <= 28
    assert min(of("toy.greet").values_list("attempts", flat=True)) >= 12


def test_patience_needs_twelve_attempts_too(stand_in):
    """H7: the engine may have stood still for that day."""
    doors(1)
    stand_in("toy.greet", run=raises(TimeoutError("no answer")))

    run_due()
    advance(hours=30)
    run_effects()

    assert of("toy.greet").get().state == "waiting"


@pytest.mark.parametrize(
    ("error", "changes"),
    [(TypeError("a mistake of ours"), {}), (TimeoutError("no answer"), {"patience": None})],
    ids=["mistake", "impatient"],
)
def test_mistakes_of_ours_and_kinds_without_patience_are_known_within_the_hours(stand_in, error, changes):
    """H7: a day of silence is for the far side alone."""
    doors(1)
    stand_in("toy.greet", run=raises(error), **changes)

    assert hours_until_dead(of("toy.greet")) <= 5
    assert of("toy.greet").get().attempts == 12


def test_far_side_is_asked_again_when_it_said_so(stand_in):
    """H7: a 429 with Retry-After is an answer."""
    doors(1)
    stand_in("toy.greet", run=raises(RetryAfter("too many", after=timedelta(minutes=50))))

    run_due()

    effect = of("toy.greet").get()
    assert (effect.state, effect.attempts) == ("waiting", 1)
    advance(minutes=49)
    assert run_effects() == 0
    advance(minutes=2)
    assert run_effects() == 1


def test_holder_that_woke_up_sends_nothing_that_it_lost(stand_in, monkeypatch):
    """H8: it sent the whole rest of its claim once more."""
    doors(30)
    is_asleep = [False]
    real = executor.time.monotonic

    def call(door, effect):
        outside.send("greet", key=effect.pk)
        if len(outside.heard) == 3:
            is_asleep[0] = True  # here, for longer than its lease, while another does what it held
            advance(seconds=31)
            for ids in sweep():
                run_due(ids)
            run_due()

    stand_in("toy.greet", run=call)
    held = claim.claim_fair_share("outward", 100)
    monkeypatch.setattr(executor, "BUDGET", 60.0)
    with patch.object(executor.time, "monotonic", lambda: real() + 31 * is_asleep[0]):
        executor._execute_all(held)

    # Those that it had sent, and not written down when it fell asleep, and no other.
    assert sum(count > 1 for count in calls().values()) <= 3
    assert sum(calls().values()) <= len(held) + 5 + 3


def test_death_in_a_call_that_is_not_repeated_is_told(stand_in):
    """H12: it lay there without a line in its story, and nobody was told."""
    doors(1, status="open")
    with crash_after("work"):
        run_due([of("toy.page").get().pk])

    with patch("engine.sweeper.raise_alert") as raise_alert:
        sweep()
        sweep()

    page = of("toy.page").get()
    assert (page.state, page.last_error) == ("uncertain", "its worker died")
    assert [event.what for event in page.events.all()] == ["uncertain"]
    raise_alert.assert_called_once_with("toy.page")


def test_call_under_way_cannot_be_made_a_second_time(stand_in):
    """H12: it lay on the desk while it ran, and a retry made the second beside it."""
    operator = StaffFactory(is_superuser=True)
    doors(1, status="open")
    refused = []

    def call(door, effect):
        outside.send("page", key=effect.pk)
        assert retry_many(Effect.objects.filter(state="uncertain"), by=operator, reason="tidy the desk") == 0
        with pytest.raises(WrongState) as refusal:
            retry(effect, by=operator, reason="tidy the desk")
        refused.append(refusal)
        return {}

    stand_in("toy.page", run=call)

    run_due()

    assert len(refused) == sum(calls()[effect.pk] for effect in of("toy.page")) == 1
    assert of("toy.page").get().state == "done"


def test_effect_that_was_not_sent_is_not_in_doubt(monkeypatch):
    """H13: it was parked before its object was read."""
    doors(1, status="open")

    def unreadable(*_):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(executor.ReadAhead, "subject", unreadable)

    run_due([of("toy.page").get().pk])

    assert (of("toy.page").get().state, len(calls())) == ("waiting", 0)


@pytest.mark.parametrize("end", ["create", "alert"])
def test_death_its_line_and_its_alert_are_one_commit(stand_in, monkeypatch, end):
    """H14: killed in between, it was dead and nobody knew."""
    doors(1)
    stand_in("toy.greet", run=raises(PermanentFailure("no")))

    def killed(*_, **__):
        raise SystemExit

    with monkeypatch.context() as kill:
        if end == "create":
            kill.setattr(EffectEvent.objects, "create", killed)
        else:
            kill.setattr(lease, "raise_alert", killed)
        with pytest.raises(SystemExit):
            run_due()
    assert (of("toy.greet").get().state, EffectEvent.objects.count()) == ("leased", 0)


@pytest.mark.parametrize("kind", [greet, count_visits])
def test_row_of_an_unknown_machine_fails_alone(kind):
    """H17: it ended the session of its worker, and its neighbours hung for the length of a lease."""
    shut = doors(6)
    run_effects()
    outside.heard.clear()
    schedule_many([NewEffect(kind, f"m:{number}", about=door) for number, door in enumerate(shut)])
    Effect.objects.filter(key="m:4").update(machine="ghost")

    run_due()

    states = dict(Effect.objects.filter(key__startswith="m:").values_list("key", "state"))
    assert states.pop("m:4") == "waiting"
    assert set(states.values()) == {"done"}
    assert "no machine is called 'ghost'" in Effect.objects.get(key="m:4").last_error


def test_machine_that_nothing_follows_from_is_known(monkeypatch):
    """H17: a model without a line of `on` was unknown to a fresh process."""
    (door,) = doors(1)
    run_effects()
    schedule(count_visits, key="only:1", about=door)
    monkeypatch.setattr(registry, "machines", {})
    subjects._reader.cache_clear()

    run_due()

    assert Effect.objects.get(key="only:1").state == "done"


def test_row_that_was_lost_from_a_batch_leaves_the_others_ready():
    """H24: they were leased for 30 s and then alone."""
    shut = doors(10)
    run_effects()
    perform_many([door.open_up for door in shut], by=StaffFactory())
    held = [effect for effect in claim.claim_fair_share("inward", 100) if effect.kind == "toy.count"]
    Effect.objects.filter(pk=held[3].pk).update(state="ready", fence=F("fence") + 1)

    executor._execute_all(held)
    assert set(of("toy.count").values_list("state", "solo")) == {("ready", False)}

    run_due()
    assert set(of("toy.count").values_list("state", "attempts")) == {("done", 1)}


def test_outcomes_outlive_the_session(stand_in):
    """H26: up to 25 of them were forgotten, though who had them lived."""
    doors(12)

    def call(door, effect):
        outside.send("greet", key=effect.pk)
        if len(outside.heard) in {5, 9}:
            end_session()
        return {"ok": 1}

    stand_in("toy.greet", run=call)

    for _ in range(4):
        run_due()
        for ids in sweep():
            run_due(ids)

    assert set(of("toy.greet").values_list("state", flat=True)) == {"done"}
    assert set(calls().values()) == {1}
