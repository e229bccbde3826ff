"""A backend for Django's tasks (docs/engine.md): a function under `@task` becomes an effect, in the transaction that
enqueues it.
"""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.utils.module_loading import import_string

from engine.errors import PermanentFailure
from engine.ids import uuid7
from engine.models import Effect, EffectEvent
from engine.payload import as_storable
from engine.registry import effect_handler
from engine.scheduling import schedule


def _tasks(module: str) -> Any:
    try:
        return import_module(f"django.tasks.{module}")
    except ImportError:  # Django 5.2
        return import_module(f"django_tasks.{module}")


_base, _signals = _tasks("base"), _tasks("signals")
Backend: Any = _tasks("backends.base").BaseTaskBackend
DoesNotExist: Any = _tasks("exceptions").TaskResultDoesNotExist
Status: Any = _base.TaskResultStatus


class EffectBackend(Backend):  # type: ignore[misc]
    """The name of a queue is only stored; the lane decides which worker executes a task."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Raises InvalidPayload if the arguments are not JSON or too long."""
        self.validate_task(task)
        payload = {
            "task": task.module_path,
            "args": list(args),
            "kwargs": kwargs,
            "queue": task.queue_name,
            "backend": self.alias,
        }
        run = run_external if self.options.get("EXTERNAL") else run_inward
        key = f"task:{uuid7()}"
        schedule(run, key=key, payload=payload, at=task.run_after)
        result = _result_of(Effect.objects.get(key=key))
        _signals.task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Any:
        """Raises TaskResultDoesNotExist."""
        try:
            return _result_of(Effect.objects.get(pk=UUID(result_id), kind__in=KINDS, payload__backend=self.alias))
        except (ValueError, Effect.DoesNotExist, PermanentFailure) as error:
            raise DoesNotExist(result_id) from error


@effect_handler("task", purgeable=True)
def run_inward(_: None, effect: Effect) -> None:
    Effect.objects.filter(pk=effect.pk).update(outcome=as_storable(_call(effect)))


@effect_handler("task.outward", external=True, purgeable=True)
def run_external(_: None, effect: Effect) -> Any:
    return _call(effect)


KINDS = ["task", "task.outward"]


def _call(effect: Effect) -> Any:
    result = _result_of(effect)
    _signals.task_started.send(EffectBackend, task_result=result)
    context: list[Any] = [_base.TaskContext(task_result=result)] if result.task.takes_context else []
    value = result.task.call(*context, *result.args, **result.kwargs)
    object.__setattr__(result, "status", Status.SUCCESSFUL)
    object.__setattr__(result, "_return_value", value)
    _signals.task_finished.send(EffectBackend, task_result=result)
    return value


def _result_of(row: Effect) -> Any:
    """Raises PermanentFailure if the function no longer exists."""
    said = row.payload
    try:
        task = import_string(said["task"])
    except ImportError as error:
        raise PermanentFailure(f"There is no task {said['task']} any more") from error
    failures = row.events.filter(what=EffectEvent.What.FAILED).order_by("id")
    took = timedelta(milliseconds=row.took or 0)
    ends = row.done_at
    if ends and row.kind == KINDS[0]:
        ends += took  # `done_at` is when the transaction began
    result = _base.TaskResult(
        task=task.using(queue_name=said["queue"], backend=said["backend"]),
        id=str(row.pk),
        status=_status(row),
        enqueued_at=row.created_at,
        started_at=ends and ends - took,
        finished_at=ends,
        last_attempted_at=ends - took if ends else max((failure.at for failure in failures), default=None),
        args=said["args"],
        kwargs=said["kwargs"],
        backend=said["backend"],
        errors=[_base.TaskError(exception_class_path=_class(each.detail), traceback=each.detail) for each in failures],
        worker_ids=["a worker"] * row.attempts,  # names are not stored
    )
    object.__setattr__(result, "_return_value", row.outcome)
    return result


def _status(row: Effect) -> Any:
    match row.state:
        case Effect.State.WAITING | Effect.State.READY:
            return Status.READY
        case Effect.State.LEASED:
            return Status.RUNNING
        case Effect.State.DONE:
            return Status.SUCCESSFUL
    return Status.FAILED  # dead, uncertain or skipped


def _class(said: str) -> str:
    name = said.partition(":")[0]
    return name if "." in name else f"builtins.{name}"
