from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.db.transaction import atomic

import engine
from core.problems import PermissionDenied, WrongState
from engine import (
    RemoteUnavailable,
    available,
    create,
    explain,
    lease,
    perform,
    perform_many,
    retry,
    run_due,
    schedule,
    skip,
)
from engine.models import Effect, Transition
from engine.stateful import DirectStateChange
from engine.testing import SimulatedCrash
from tests.factories import StaffFactory, UserFactory
from tests.toy import outside
from tests.toy.effects import greet
from tests.toy.models import Door, Visit

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def heard():
    outside.heard.clear()
    return outside.heard


@pytest.fixture
def staff():
    return StaffFactory(is_superuser=True)


@pytest.fixture
def door():
    door = Door()
    create(door)
    return door


def scheduled(**fields):
    return sorted(Effect.objects.filter(**fields).values_list("kind", "state"))


# Declared


def test_creation_and_transition_schedule_their_effects(door, staff):
    open_door = Door(status="open", building=UUID(int=7))
    create(open_door)
    fact = perform(door.open_up, by=staff, note="parcel")

    assert scheduled(object_id=open_door.pk) == [("toy.greet", "ready"), ("toy.page", "ready")]
    assert scheduled(transition=fact) == [("toy.close", "waiting"), ("toy.count", "ready"), ("toy.log", "ready")]
    assert (fact.machine, fact.seq, fact.inputs, fact.account_id) == ("door", 2, {"note": "parcel"}, UUID(int=0))
    assert Transition.objects.get(object_id=open_door.pk).account_id == UUID(int=7)


def test_a_set_is_opened_in_one_statement(staff, django_assert_num_queries):
    doors = [Door() for _ in range(5)]
    for door in doors:
        create(door)

    with django_assert_num_queries(1 + 2), atomic():  # and a savepoint
        perform_many([door.open_up for door in doors], by=staff)

    assert Door.objects.filter(status="open").count() == 5


def test_effect_of_another_state_is_not_scheduled(door):
    assert scheduled() == [("toy.greet", "ready")]


# Refused


def test_a_refusal_names_the_unmet_fact_and_what_is_open(door, staff):
    door.is_locked = True
    door.save(update_fields=["is_locked"])

    with pytest.raises(WrongState, match="Cannot open_up this door: is unlocked") as refusal:
        perform(door.open_up, by=staff)

    assert refusal.value.members == {"object_status": "shut", "available": [], "unmet": ["is_unlocked"]}
    assert Transition.objects.count() == 1


def test_strangers_may_not_open_and_people_may_not_close(door, staff):
    with pytest.raises(PermissionDenied):
        perform(door.open_up, by=UserFactory())
    with pytest.raises(PermissionDenied):
        perform(door.close, by=staff)


def test_explain_gives_the_reason_for_each_transition(door, staff):
    door.is_locked = True

    closing, opening = explain(door, staff)

    assert (closing.name, closing.in_state, closing.permitted, closing.unmet) == ("close", False, False, [])
    assert (opening.name, opening.in_state, opening.permitted, opening.unmet) == (
        "open_up",
        True,
        True,
        ["is_unlocked"],
    )
    assert available(door, staff) == []
    door.is_locked = False
    assert available(door, staff) == ["open_up"]


def test_the_database_refuses_what_the_engine_did_not_write(door):
    for change in ({"status": "open"}, {"version": 5}, {"status": "open", "version": 2}):
        with pytest.raises(IntegrityError, match="no Transition leads from 'shut'"), atomic():
            Door.objects.filter(pk=door.pk).update(**change)
    with pytest.raises(IntegrityError, match="no Transition leads from ''"), atomic():
        Door.objects.bulk_create([Door(version=1)])
    with pytest.raises(DirectStateChange):
        door.status = "open"


def test_the_migration_knows_the_machine():
    call_command("makemigrations", "toy", check=True, dry_run=True, verbosity=0)


# Followed


def test_every_scheduled_effect_runs_once(door, staff, run_effects, heard):
    perform(door.open_up, by=staff)

    assert run_effects() == 3

    assert scheduled() == [("toy.close", "waiting"), ("toy.count", "done"), ("toy.greet", "done"), ("toy.log", "done")]
    assert Visit.objects.get().effect_id == Effect.objects.get(kind="toy.count").pk
    greeting = Effect.objects.get(kind="toy.greet")
    assert ("greet", greeting.pk) in heard
    assert greeting.outcome == {"receipt": f"greet {greeting.pk}"}
    assert run_effects() == 0


def test_a_timer_closes_the_door_when_its_time_has_come(door, staff, run_effects, advance):
    opening = perform(door.open_up, by=staff)
    run_effects()

    advance(minutes=4)
    assert run_effects() == 0
    advance(minutes=1)
    run_effects()

    door.refresh_from_db()
    closing = Transition.objects.get(object_id=door.pk, name="close")
    assert door.status == "shut"
    assert (closing.cause, closing.actor) == (opening, None)


def test_a_timer_of_an_earlier_visit_leaves_the_door_open(door, staff, run_effects, advance):
    perform(door.open_up, by=staff)
    perform(door.close)
    advance(minutes=3)
    perform(door.open_up, by=staff)

    advance(minutes=2)
    run_effects()

    assert Door.objects.get().status == "open"


def test_ordered_effect_waits_for_the_earlier_one(door, staff, run_effects, advance, heard, monkeypatch):
    perform(door.open_up, by=staff)
    perform(door.close)
    first, second = Effect.objects.filter(kind="toy.log").order_by("seq")
    with monkeypatch.context() as patch:
        patch.setattr(outside, "send", unreachable)
        run_effects()
    assert (heard, scheduled(pk=second.pk)) == ([], [("toy.log", "ready")])

    advance(seconds=10)
    run_effects()

    assert [key for what, key in heard if what in "23"] == [first.pk, second.pk]


def test_ordered_effect_waits_until_the_dead_one_is_skipped(door, staff, run_effects, heard):
    perform(door.open_up, by=staff)
    perform(door.close)
    first, second = Effect.objects.filter(kind="toy.log").order_by("seq")
    Effect.objects.filter(pk=first.pk).update(state="dead")
    run_effects()
    assert scheduled(pk=second.pk) == [("toy.log", "ready")]

    skip(first, by=staff, reason="written by hand")
    run_effects()

    assert [key for what, key in heard if what in "23"] == [second.pk]


def test_a_failed_effect_is_tried_again_under_its_key(door, run_effects, advance, heard, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(outside, "send", broken)
        run_effects()
    effect = Effect.objects.get()
    assert (effect.state, effect.attempts, effect.last_error) == ("waiting", 1, "RuntimeError: broken")

    advance(seconds=2)
    run_effects()

    assert scheduled() == [("toy.greet", "done")]
    assert heard == [("greet", effect.pk)]


def test_effect_is_dead_after_twelve_failures_until_retried(door, staff, run_effects, advance, heard, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(outside, "send", broken)
        for _ in range(lease.MAX_ATTEMPTS):
            run_effects()
            advance(minutes=15)
    effect = Effect.objects.get(kind="toy.greet")
    assert (effect.state, effect.attempts) == ("dead", 12)

    retry(effect, by=staff, reason="the caretaker is back")
    run_effects()

    effect.refresh_from_db()
    assert (effect.state, heard) == ("done", [("greet", effect.pk)])


def test_remote_unreachable_for_a_day_is_given_up_with_an_alert(door, run_effects, advance, monkeypatch):
    told = []
    monkeypatch.setattr(outside, "send", unreachable)
    monkeypatch.setattr(lease, "raise_alert", told.append)
    run_effects()
    assert (scheduled(), told) == ([("toy.greet", "waiting")], [])

    advance(hours=25)
    run_effects()

    assert (scheduled(), told) == ([("toy.greet", "dead")], ["toy.greet"])
    assert Effect.objects.get().events.get().what == "died"


@pytest.mark.parametrize("error", [RuntimeError, RemoteUnavailable])
def test_a_timer_that_is_due_after_more_than_a_day_may_fail_once(door, run_effects, advance, monkeypatch, error):
    def fail(*_, **__):
        raise error

    run_effects()
    schedule(greet, key="later", about=door, after=timedelta(days=2))
    monkeypatch.setattr(outside, "send", fail)
    advance(days=2)

    run_effects()

    assert scheduled(key="later") == [("toy.greet", "waiting")]


def test_effect_may_be_scheduled_by_hand_once_for_its_key(door, run_effects, heard):
    assert schedule(greet, key="greet:again", about=door) is not None
    assert schedule(greet, key="greet:again", about=door) is None

    run_effects()

    assert len(heard) == 2


# Died


@pytest.mark.parametrize("point", ["claim", "start", "work", "done"])
def test_effect_runs_once_wherever_a_worker_crashes(point, staff, run_effects, advance, crash_after, heard):
    doors = [Door() for _ in range(3)]
    for door in doors:
        create(door)
    perform_many([door.open_up for door in doors], by=staff)

    with crash_after(point):
        run_effects()
    run_effects()

    assert not Effect.objects.exclude(state="done").exclude(kind="toy.close").exists()
    assert Visit.objects.count() == 3
    assert len(set(heard)) == 6


@pytest.mark.parametrize(("point", "calls"), [("claim", 1), ("start", 0), ("work", 1)])
def test_a_call_without_a_key_is_made_once_at_most(point, calls, run_effects, crash_after, heard):
    create(Door(status="open"))
    Effect.objects.exclude(kind="toy.page").update(state="skipped")

    with crash_after(point):
        run_effects()
    run_effects()

    assert len(heard) == calls
    assert scheduled(kind="toy.page") == [("toy.page", "done" if point == "claim" else "uncertain")]


def test_a_death_in_the_middle_of_a_handler_leaves_nothing_of_it(door, staff, run_effects, monkeypatch):
    def half_way(*_):
        raise SimulatedCrash

    perform(door.open_up, by=staff)
    monkeypatch.setattr(Visit.objects, "bulk_create", half_way)
    with pytest.raises(SimulatedCrash):
        run_due(list(Effect.objects.filter(kind="toy.count").values_list("pk", flat=True)))

    assert scheduled(kind="toy.count") == [("toy.count", "leased")]
    assert not Visit.objects.exists()


def test_a_crash_that_does_not_happen_is_an_error_of_the_test(run_effects, crash_after):
    with pytest.raises(AssertionError, match="nothing came to the point 'work'"), crash_after("work"):
        run_effects()


# Apart from billing


WITHOUT_BILLING = """
import sys
import django
from django.conf import settings
apps = ["django.contrib.auth", "django.contrib.contenttypes", "engine", "tests.toy"]
settings.configure(INSTALLED_APPS=apps, DATABASES={"default": {"ENGINE": "django.db.backends.postgresql"}})
django.setup()
import tests.toy.flow, engine.testing
print(*(name for name in sys.modules if name.split(".")[0] in {"engine", "core", "workflows", "tasks", "api", "web"}))
"""


def test_engine_and_toy_run_without_billing():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_BILLING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    modules = ran.stdout.split()
    assert "engine.executor" in modules
    assert [name for name in modules if name.partition(".")[0] != "engine"] == []


def test_engine_source_has_no_billing_word():
    billing = re.compile(
        r"payment|invoice|subscription|credit|billing|customer|money|(?<!con)currency|price|amount\b|account(?!_id)",
        re.IGNORECASE,
    )
    said = [
        f"{file.name}: {line.strip()}"
        for file in sorted(Path(engine.__file__).parent.glob("*.py"))
        for line in file.read_text().splitlines()
        if billing.search(line)
    ]

    assert said == []


def unreachable(*_, **__):
    raise RemoteUnavailable


def broken(*_, **__):
    raise RuntimeError("broken")
