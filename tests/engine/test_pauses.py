from __future__ import annotations

import threading
import time
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.models.functions import Now
from django.db.transaction import atomic

from core.models import SecurityEvent
from core.problems import PermissionDenied, ValidationError, WrongState
from engine import NewEffect, blocked, claim, create_many, let_go, pause, perform, resume, run_due, schedule_many, sweep
from engine.models import Effect, EffectPause
from engine.pauses import pauses, waiting_for
from engine.stateful import NO_TENANT
from engine.testing import advance, run_effects
from tests.factories import OperatorFactory, PaymentFactory, StaffFactory
from tests.toy import outside
from tests.toy.effects import count_visits, greet, log_remotely, page_porter
from tests.toy.models import Door
from workflows.periods import database_now
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db(transaction=True)

ANN, BOB = UUID(int=1), UUID(int=2)


@pytest.fixture(autouse=True)
def quiet_far_side():
    outside.heard.clear()
    claim._serve_next.clear()
    claim._seen_all.clear()


@pytest.fixture
def operator():
    return OperatorFactory()


@pytest.fixture
def building():
    """Two tenants, each with one effect of every kind."""
    doors = [Door(building=ANN), Door(building=BOB)]
    create_many(doors)
    Effect.objects.update(state="done", done_at=Now())
    sorts = (count_visits, greet, page_porter, log_remotely)
    schedule_many([NewEffect(sort, f"{sort.__name__}:{door.building}", about=door) for sort in sorts for door in doors])


def left():
    """(kind, whose) of what is not done."""
    rows = Effect.objects.exclude(state="done").values_list("kind", "account_id")
    return sorted((kind.removeprefix("toy."), "ann" if tenant == ANN else "bob") for kind, tenant in rows)


BOTH = ("ann", "bob")
OF_ALL = {(kind, whose) for kind in ("count", "greet", "page", "log") for whose in BOTH}


@pytest.mark.parametrize(
    ("scope", "name", "stays"),
    [
        ("kind", "toy.greet", {("greet", whose) for whose in BOTH}),
        ("lane", "outward", {one for one in OF_ALL if one[0] != "count"}),
        ("lane", "inward", {("count", whose) for whose in BOTH}),
        ("tenant", str(ANN), {one for one in OF_ALL if one[1] == "ann"}),
        ("outward", "", {one for one in OF_ALL if one[0] != "count"}),
        ("all", "", OF_ALL),
    ],
)
@pytest.mark.parametrize("way", ["fairly", "lately", "named", "alone"])
def test_paused_effects_wait_uncharged_and_others_run(building, operator, scope, name, stays, way):
    if way == "alone":
        Effect.objects.filter(state="ready").update(solo=True)
    paused = pause(scope, name, by=operator, reason="the far side is repaired")
    ways = {
        "fairly": run_due,
        "lately": lambda: run_due(lately=True),
        "named": lambda: sum(run_due([key]) for key in Effect.objects.values_list("pk", flat=True)),
        "alone": lambda: run_due(alone=True),
    }
    while ways[way]():
        pass

    assert set(left()) == stays
    waiting = Effect.objects.exclude(state="done")
    assert set(waiting.values_list("state", "attempts", "last_error")) == {("ready", 0, "")}

    assert resume(paused, by=operator) == waiting_for(paused) == len(stays)
    while ways[way]():
        pass
    assert left() == []
    assert len(outside.heard) == 6  # each once


def test_new_work_is_accepted_and_waits(operator):
    paused = pause("kind", "payment.settle", by=operator, reason="the bank's file is wrong")
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    payment.refresh_from_db()
    assert payment.status == "approved"

    resume(paused, by=operator)
    run_effects()
    payment.refresh_from_db()
    assert payment.status == "succeeded"


def test_a_pause_ends_at_its_moment_and_may_be_said_again_after_it(building, operator):
    soon = database_now() + timedelta(minutes=30)
    pause("kind", "toy.greet", by=operator, reason="until they are back", until=soon)
    run_effects()
    assert len(left()) == 2

    advance(hours=1)
    assert not pauses().exists()
    again = pause("kind", "toy.greet", by=operator, reason="still not")
    run_effects()
    assert len(left()) == 2
    first = EffectPause.objects.exclude(pk=again.pk).get()
    assert (first.ended_by, first.ended_at is not None) == (None, True)

    EffectPause.objects.filter(pk=again.pk).update(ended_at=Now())
    blocked.invalidate()
    run_effects()
    assert left() == []


def test_let_go_runs_no_more_than_its_count_under_several_pauses(operator):
    door = Door(building=ANN)
    create_many([door])
    Effect.objects.update(state="done", done_at=Now())
    schedule_many([NewEffect(greet, f"greet:{n}", about=door) for n in range(30)])
    paused = pause("all", by=operator, reason="after the restore")
    pause("kind", "toy.greet", by=operator, reason="look first")
    oldest = list(Effect.objects.filter(state="ready").order_by("pk").values_list("pk", flat=True)[:3])

    assert let_go(paused, 3, by=operator) == 3
    run_effects()
    assert [key for _, key in outside.heard] == oldest
    assert waiting_for(paused) == 27

    assert let_go(paused, 1000, by=operator) == 27
    run_effects()
    assert len(set(outside.heard)) == len(outside.heard) == 30
    assert let_go(paused, 5, by=operator) == 0


def test_several_workers_together_let_go_no_more_than_was_said(operator):
    door = Door(building=ANN)
    create_many([door])
    Effect.objects.update(state="done", done_at=Now())
    schedule_many([NewEffect(greet, f"greet:{n}", about=door) for n in range(40)])
    paused = pause("outward", by=operator, reason="look first")
    let_go(paused, 15, by=operator)

    def work():
        while run_due(limit=4):
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(outside.heard)) == len(outside.heard) == 15


def test_one_that_was_let_go_and_fails_is_tried_again_and_no_other_goes_in_its_place(building, operator, monkeypatch):
    paused = pause("kind", "toy.greet", by=operator, reason="look first")
    assert let_go(paused, 1, by=operator) == 1

    def fail(*_):
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(outside, "send", fail)
        for _ in range(3):
            run_effects()
            advance(hours=1)
    assert Effect.objects.filter(kind="toy.greet", attempts__gte=3).count() == 1
    run_effects()
    assert ("greet", "ann") in left() or ("greet", "bob") in left()
    assert len([one for one in outside.heard if one[0] == "greet"]) == 1


def test_another_process_hears_of_it_within_a_second(building, operator, monkeypatch):
    assert blocked.known() == blocked.Stops()
    EffectPause.objects.create(scope="all", by=operator, reason="said elsewhere")
    monkeypatch.setattr(blocked, "_until", time.monotonic() - 0.001)  # a second later
    run_effects()
    assert len(left()) == 8


def test_timers_fall_due_and_wait(operator):
    door = Door(building=ANN)
    create_many([door])
    Effect.objects.update(state="done", done_at=Now())
    schedule_many([NewEffect(greet, "later", about=door, after=timedelta(minutes=5))])
    paused = pause("tenant", str(ANN), by=operator, reason="asked us to")
    advance(minutes=6)
    sweep()
    run_effects()
    assert left() == [("greet", "ann")]

    resume(paused, by=operator)
    run_effects()
    assert left() == []


def test_pausing_without_permission_is_refused(building, operator):
    paused = pause("all", by=operator, reason="look first")
    staff = StaffFactory()
    for attempt in (
        lambda: pause("outward", by=staff, reason="no"),
        lambda: resume(paused, by=staff),
        lambda: let_go(paused, 1, by=staff),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert pauses().count() == 1


@pytest.mark.parametrize(
    ("scope", "name", "more"),
    [
        ("kind", "toy.unknown", {}),
        ("kind", "", {}),
        ("lane", "fast", {}),
        ("tenant", "ann", {}),
        ("all", "toy.greet", {}),
        ("everything", "", {}),
        ("all", "", {"reason": "  "}),
        ("all", "", {"until": database_now}),
        ("kind", "a\x00b", {}),
    ],
)
def test_invalid_pause_is_refused(operator, scope, name, more):
    more = {key: value() if callable(value) else value for key, value in more.items()}
    with pytest.raises(ValidationError):
        pause(scope, name, by=operator, **{"reason": "why", **more})
    assert not EffectPause.objects.exists()


def test_pausing_twice_and_resuming_twice_are_refused(operator):
    paused = pause("all", by=operator, reason="look first")
    with pytest.raises(WrongState):
        pause("all", by=operator, reason="again")
    for count in (0, -1, 1001):
        with pytest.raises(ValidationError):
            let_go(paused, count, by=operator)
    resume(paused, by=operator)
    with pytest.raises(WrongState):
        resume(paused, by=operator)
    with pytest.raises(WrongState):
        let_go(paused, 1, by=operator)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "some"},
        {"scope": "kind", "name": ""},
        {"scope": "all", "name": "toy.greet"},
        {"scope": "tenant", "name": "ann"},
        {"reason": ""},
        {"let_go": [NO_TENANT] * 1001},
    ],
)
def test_the_database_keeps_what_a_pause_is(operator, wrong):
    with pytest.raises(IntegrityError), atomic():
        EffectPause.objects.create(**{"scope": "all", "reason": "why", "by": operator, **wrong})


def test_a_pause_stays_in_the_history(operator):
    paused = pause("all", by=operator, reason="look first")
    let_go(paused, 3, by=operator)
    resume(paused, by=operator)

    for change in ({"reason": "another"}, {"scope": "outward"}):
        with pytest.raises(IntegrityError), atomic():
            EffectPause.objects.update(**change)
    with pytest.raises(IntegrityError), atomic():
        EffectPause.objects.all().delete()
    paused.refresh_from_db()
    assert (paused.by, paused.ended_by, paused.ended_at is not None) == (operator, operator, True)
    kept = SecurityEvent.objects.filter(actor=operator.pk).order_by("id").values_list("name", "facts__scope")
    assert list(kept) == [("effects_paused", "all"), ("effects_let_go", "all"), ("effects_resumed", "all")]


def test_paused_effects_break_no_invariant_and_are_reported(operator):
    pause("all", by=operator, reason="look first")
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    advance(days=3)
    run_effects()

    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []
    said = StringIO()
    call_command("check_invariants", stdout=said)
    assert "Paused: all" in said.getvalue()


def said(*words):
    out = StringIO()
    call_command("effects", *words, stdout=out)
    return out.getvalue()


def test_the_command_pauses_lets_go_and_resumes(building, operator):
    by = f"--by={operator.email}"
    assert "Paused: outward" in said("pause", "--outward", by, "--reason=after the restore")
    assert "(6 wait)" in said("list")
    assert said("let-go", "2", "--outward", by) == "2 let go, 4 wait.\n"
    run_effects()
    assert len(outside.heard) == 2
    assert said("resume", "--outward", by) == "4 waited.\n"
    assert "Paused" not in said("list")
    run_effects()
    assert left() == []

    with pytest.raises(CommandError, match="not paused"):
        said("resume", "--outward", by)
    with pytest.raises(CommandError, match="There are: "):
        said("pause", "--kind=toy.unknown", by, "--reason=no")
    with pytest.raises(CommandError, match="may not operate"):
        said("pause", "--all", f"--by={StaffFactory().email}", "--reason=no")
    with pytest.raises(CommandError, match="Nobody has"):
        said("pause", "--all", "--by=nobody@example.test", "--reason=no")


def test_the_command_sets_a_rate(operator):
    by = f"--by={operator.email}"
    said("rate", "mail", "10/s", by)
    assert "Rate of mail: 10/s" in said("list")
    assert blocked.known().every == {"mail": timedelta(seconds=0.11)}
    said("rate", "mail", "declared", by)
    assert "Rate of mail: as many as come" in said("list")
    assert list(SecurityEvent.objects.values_list("name", flat=True)) == ["rate_set", "rate_set"]
    for wrong in (["rate", "mail", "fast", by], ["rate", "unknown", "1/s", by]):
        with pytest.raises(CommandError):
            said(*wrong)
