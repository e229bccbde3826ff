from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.transaction import atomic, set_rollback
from django.utils import timezone

from engine.models import Effect
from engine.payload import InvalidPayload
from tests.toy import outside, tasks
from tests.toy.models import Door

try:
    from django.tasks import TaskResultStatus, default_task_backend
    from django.tasks.exceptions import TaskResultDoesNotExist
    from django.tasks.signals import task_enqueued, task_finished
except ImportError:  # Django 5.2
    from django_tasks import TaskResultStatus, default_task_backend
    from django_tasks.exceptions import TaskResultDoesNotExist
    from django_tasks.signals import task_enqueued, task_finished

pytestmark = pytest.mark.django_db

BUILDING = str(uuid4())


@pytest.fixture(autouse=True)
def nothing_fails(monkeypatch):
    monkeypatch.setattr(tasks, "FAILING", [])


class Mistake(Exception):  # noqa: N818
    """Raised by the task itself."""


def test_a_task_is_done_once_and_its_result_can_be_read(run_effects):
    result = tasks.build_doors.enqueue(BUILDING, how_many=2)
    assert (result.status, result.is_finished) == (TaskResultStatus.READY, False)

    run_effects()
    result.refresh()

    assert result.status == TaskResultStatus.SUCCESSFUL
    assert sorted(result.return_value) == sorted(str(door.pk) for door in Door.objects.all())
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert (result.attempts, result.errors) == (1, [])
    assert tasks.build_doors.get_result(result.id).kwargs == {"how_many": 2}
    assert run_effects() == 0


def test_a_task_of_a_transaction_that_is_rolled_back_was_never_enqueued(run_effects):
    with atomic():
        tasks.build_doors.enqueue(BUILDING, how_many=1)
        set_rollback(True)

    assert not Effect.objects.filter(kind="task").exists()
    assert run_effects() == 0


def test_failed_task_is_rolled_back_and_retried(run_effects, advance):
    tasks.FAILING.append(Mistake("not today"))
    result = tasks.build_doors.enqueue(BUILDING, how_many=3)

    run_effects()
    result.refresh()
    assert (result.status, Door.objects.count()) == (TaskResultStatus.READY, 0)
    [error] = result.errors
    assert error.exception_class is Mistake
    assert "not today" in error.traceback

    advance(hours=1)
    run_effects()
    result.refresh()
    assert (result.status, Door.objects.count(), result.attempts) == (TaskResultStatus.SUCCESSFUL, 3, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["claim", "start", "work", "done"])
def test_a_worker_that_dies_does_not_do_it_twice(run_effects, crash_after, point):
    result = tasks.build_doors.enqueue(BUILDING, how_many=1)
    with crash_after(point):
        run_effects()
    run_effects()

    result.refresh()
    assert (result.status, Door.objects.count()) == (TaskResultStatus.SUCCESSFUL, 1)


def test_external_task_runs_without_a_transaction(run_effects, monkeypatch):
    seen = []
    monkeypatch.setattr(outside, "send", lambda what, **_: seen.append(connection.in_atomic_block) or {"sent": what})
    result = tasks.tell_caretaker.enqueue(BUILDING)
    run_effects()

    result.refresh()
    assert (result.return_value, Effect.objects.get(pk=result.id).lane) == ({"sent": "tell"}, "outward")
    assert len(seen) == 1


def test_task_that_is_given_up_has_failed(run_effects, advance):
    tasks.FAILING += [Mistake(str(number)) for number in range(12)]
    result = tasks.build_doors.enqueue(BUILDING, how_many=1)
    for _ in range(12):
        run_effects()
        advance(hours=1)

    result.refresh()
    assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.FAILED, 12, 12)
    with pytest.raises(ValueError, match="failed"):
        _ = result.return_value


def test_task_runs_at_its_time(run_effects, advance):
    later = tasks.build_doors.using(run_after=timezone.now() + timedelta(hours=2)).enqueue(BUILDING, how_many=1)
    run_effects()
    later.refresh()
    assert later.status == TaskResultStatus.READY

    advance(hours=3)
    run_effects()
    later.refresh()
    assert later.status == TaskResultStatus.SUCCESSFUL


def test_task_gets_its_attempt_and_coroutines_are_awaited(run_effects):
    first, second = tasks.count_attempts.enqueue(), tasks.count_doors.enqueue()
    run_effects()
    for result in (first, second):
        result.refresh()

    assert (first.return_value, second.return_value) == (0, 0)


def test_argument_that_is_not_json_is_refused():
    for bad in (object(), "\x00", "x" * 100_000):
        with pytest.raises(InvalidPayload):
            tasks.build_doors.enqueue(bad, how_many=1)

    assert not Effect.objects.filter(kind="task").exists()


@pytest.mark.parametrize("unknown", ["00000000-0000-7000-8000-000000000000", "no key"])
def test_task_that_was_not_enqueued_has_no_result(unknown):
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(unknown)


def test_a_result_of_another_backend_or_of_a_function_that_is_gone_is_none(run_effects):
    told = tasks.tell_caretaker.enqueue(BUILDING)
    built = tasks.build_doors.enqueue(BUILDING, how_many=1)
    Effect.objects.filter(pk=built.id).update(payload={**Effect.objects.get(pk=built.id).payload, "task": "gone.task"})

    for result in (told, built):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(result.id)
    run_effects()
    assert Effect.objects.get(pk=built.id).state == Effect.State.DEAD  # a person may skip it


def test_signals_are_sent(run_effects):
    seen = []

    def hear(task_result, signal, **_):
        seen.append((signal, task_result.status))

    for signal in (task_enqueued, task_finished):
        signal.connect(hear)
    try:
        tasks.count_doors.enqueue()
        run_effects()
    finally:
        for signal in (task_enqueued, task_finished):
            signal.disconnect(hear)

    assert seen == [(task_enqueued, TaskResultStatus.READY), (task_finished, TaskResultStatus.SUCCESSFUL)]
