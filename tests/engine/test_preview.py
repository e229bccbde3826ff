"""tests/simulation compares previews with what then happens."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.transaction import atomic, set_rollback

from core.problems import PermissionDenied, WrongState
from engine import Busy, create, effects_created, perform, perform_many, preview, preview_of, registry, schedule
from engine.models import Effect, Transition
from tests.factories import StaffFactory, UserFactory
from tests.toy import outside
from tests.toy.effects import close_by_itself, count_visits
from tests.toy.models import Door, Visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return StaffFactory(is_superuser=True)


@pytest.fixture
def door():
    door = Door()
    create(door)
    return door


def rows() -> list[int]:
    return [model.objects.count() for model in (Door, Visit, Transition, Effect)]


def test_preview_describes_the_outcome_and_changes_nothing(door, staff, run_effects):
    run_effects()
    before, sent = rows(), len(outside.heard)

    found = preview(door.open_up, by=staff, reason="parcel", note="for number 7", look=lambda _: Visit.objects.count())

    assert [(each.source, each.target) for each in found.changes] == [("shut", "open")]
    assert [each.inputs for each in found.transitions] == [{"note": "for number 7"}]
    assert {each.kind: each.state for each in found.effects} == {
        "toy.count": "done",
        "toy.log": "ready",
        "toy.close": "waiting",
    }
    assert [each.kind for each in found.external] == ["toy.log"]
    assert [(each.kind, each.run_at - each.created_at) for each in found.timers] == [
        ("toy.close", timedelta(minutes=5))
    ]
    assert found.seen == 1  # the visit was counted, where it was
    assert (rows(), len(outside.heard)) == (before, sent)
    assert (door.status, door.version, door.opened_by) == ("shut", 1, None)
    perform(door.open_up, by=staff)  # its copy in memory is as before


def test_preview_sends_no_signal_and_runs_no_callback(door, staff, caplog, django_capture_on_commit_callbacks):
    heard = []
    receiver = lambda **words: heard.append(words)  # noqa: E731
    effects_created.connect(receiver)
    try:
        with caplog.at_level(logging.DEBUG), django_capture_on_commit_callbacks(execute=True) as callbacks:
            preview(door.open_up, by=staff)
    finally:
        effects_created.disconnect(receiver)

    assert (heard, callbacks) == ([], [])
    assert [record for record in caplog.records if record.name.startswith(("core", "workflows", "tasks"))] == []


def test_preview_is_refused_as_the_transition_is(door, staff):
    with pytest.raises(PermissionDenied):
        preview(door.open_up, by=UserFactory())
    perform(door.open_up, by=staff)
    before = rows()
    with pytest.raises(WrongState):
        preview(door.open_up, by=staff)
    assert rows() == before


def test_preview_may_run_inside_a_transaction(staff):
    door = Door()
    with atomic():
        create(door)
        preview(door.open_up, by=staff)
        perform(door.open_up, by=staff)

    assert Transition.objects.filter(object_id=door.pk).count() == 2


def test_a_set_is_previewed_as_one(staff):
    doors = [Door() for _ in range(12)]
    for door in doors:
        create(door)

    found = preview_of(
        lambda: perform_many([door.open_up for door in doors], by=staff),
        *doors,
        look=lambda _: Visit.objects.count(),
    )

    assert len(found.changes) == found.seen == 12
    assert {door.status for door in doors} == {"shut"}


def test_preview_omits_what_was_rolled_back(door, staff):
    """The first try of a set may be rolled back before it goes one by one."""

    def work() -> None:
        with atomic():
            perform(door.open_up, by=staff)
            set_rollback(True)

    assert preview_of(work, door).effects == []


def test_failing_effect_is_previewed_beside_its_neighbours(staff, monkeypatch, caplog):
    doors = [Door(is_locked=False) for _ in range(3)]
    for door in doors:
        create(door)
    bad = doors[1]

    def count(found, effects):
        if bad.pk in {door.pk for door in found}:
            raise ValueError("no room")
        count_visits(found, effects)

    monkeypatch.setitem(registry.kinds, "toy.count", registry.Kind("toy.count", count, batch=10, lane="inward"))

    found = preview_of(
        lambda: perform_many([door.open_up for door in doors], by=staff), *doors, look=lambda _: Visit.objects.count()
    )

    assert list(found.failed.values()) == ["ValueError: no room"]
    assert [each.object_id for each in found.effects if each.pk in found.failed] == [bad.pk]
    assert found.seen == 2
    assert caplog.records == []


def test_preview_runs_due_effects_and_their_consequences(staff):
    door = Door(status="open")
    create(door)
    found = preview_of(
        lambda: schedule(close_by_itself, key="now", about=door), look=lambda _: Door.objects.get(pk=door.pk)
    )

    assert found.seen.status == "shut"
    assert [each.name for each in found.transitions] == ["close"]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_not_waited_for(staff):
    door = Door()
    create(door)
    with somebody("SELECT FROM toy_door WHERE id = %s FOR UPDATE", door.pk), pytest.raises(Busy) as refusal:
        preview(door.open_up, by=staff)

    assert (refusal.value.slug, refusal.value.status) == ("unavailable", 503)
    assert refusal.value.members == {"retry_after": 1}
    assert (door.status, Transition.objects.count()) == ("shut", 1)
    assert preview(door.open_up, by=staff).changes


@pytest.mark.django_db(transaction=True)
def test_preview_keeps_no_locks_in_a_transaction_of_the_caller(staff):
    door = Door()
    create(door)
    with atomic():
        preview(door.open_up, by=staff)
        with somebody("SELECT FROM toy_door WHERE id = %s FOR UPDATE NOWAIT", door.pk):
            pass
        with connection.cursor() as cursor:
            cursor.execute("SHOW lock_timeout")
            assert cursor.fetchone()[0] != "300ms"


@contextmanager
def somebody(sql: str, *params: object) -> Iterator[None]:
    """Another session, in the middle of a transaction."""
    names = connection.get_connection_params()
    names = {key: names[key] for key in ("host", "port", "user", "password", "dbname") if names.get(key)}
    with psycopg.connect(**names) as other:
        other.execute(sql, params)
        yield
        other.rollback()
