"""The only way to change a status: check, run the method in memory, write everything in one statement."""

from __future__ import annotations

import inspect
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, cast
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, connection
from django.db.models import JSONField
from django.db.transaction import atomic, on_commit
from django_fsm import State

from engine import persist
from engine.actors import User
from engine.context import request_id
from engine.ids import uuid7
from engine.models import Effect, Transition
from engine.payload import to_json, validate_payload
from engine.pipeline import pipeline
from engine.problems import IdempotencyKeyReused, Problem, WrongState
from engine.registry import machine_name
from engine.rules import allow, available
from engine.spans import trace_for
from engine.stateful import CREATED, Stateful

log = logging.getLogger(__name__)


@dataclass
class Step:
    method: Callable[..., Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    cause: Effect | Transition | None = None

    @property
    def subject(self) -> Stateful:
        return self.method.__self__  # type: ignore[attr-defined, no-any-return]

    @property
    def name(self) -> str:
        return self.method.__name__


def caused_by(cause: Effect | Transition, method: Callable[..., Any], **inputs: Any) -> Step:
    return Step(method, inputs, cause)


def perform(
    method: Callable[..., Any],
    *,
    by: User | None = None,
    reason: str = "",
    cause: Effect | Transition | None = None,
    request_key: str | None = None,
    **inputs: Any,
) -> Transition:
    """Take one transition and schedule its effects; both are committed, or neither.

    by: the user; None is the engine itself, for transitions that name no permission.
    request_key: the caller's key for this request; a repetition returns the first answer.
    Raises PermissionDenied, WrongState or RequestKeyReused. Then the object in memory equals the database.
    """
    step = Step(method, inputs, cause)
    if request_key is None:
        return perform_many([step], by=by, reason=reason)[0]
    if first := _answered(step, by, request_key):
        return first
    try:
        with atomic():
            return perform_many([step], by=by, reason=reason, request_key=request_key)[0]
    except (WrongState, IntegrityError):
        if first := _answered(step, by, request_key):  # a concurrent request with the same key was faster
            return first
        raise


class RequestKeyReused(IdempotencyKeyReused):
    """This Idempotency-Key belongs to another request."""


def _answered(step: Step, by: User | None, request_key: str) -> Transition | None:
    """Raises RequestKeyReused."""
    first = Transition.objects.filter(actor_id=None if by is None else by.pk, request_key=request_key).first()
    if first is not None:
        asked = (machine_name(type(step.subject)), step.subject.pk, step.name, json.loads(to_json(step.inputs)))
        if asked != (first.machine, first.object_id, first.name, first.inputs):
            raise RequestKeyReused("Under this key something else was asked before.")
    return first


def perform_many(
    steps: Iterable[Step | Callable[..., Any]],
    *,
    by: User | None = None,
    reason: str = "",
    request_key: str | None = None,
) -> list[Transition]:
    """All or none, in one statement per machine; those of the same object in the order given."""
    todo = [step if isinstance(step, Step) else Step(step) for step in steps]
    with _restore_on_error([step.subject for step in todo]):
        moves = [_apply_in_memory(step, by, reason, request_key) for step in todo]
        with _all_or_none(moves):
            written = _write(list(_group_moves(moves)))
            _raise_if_stale(written, by)
    _log_on_commit(moves, by)
    return [move.transition for move in moves]


def create(
    obj: Stateful, *, by: User | None = None, cause: Effect | Transition | None = None, **inputs: Any
) -> Transition:
    """Insert a row with a lifecycle, its first Transition and the effects that follow."""
    return create_many([obj], by=by, cause=cause, **inputs)[0]


def create_many(
    objs: Sequence[Stateful],
    *,
    by: User | None = None,
    cause: Effect | Transition | None = None,
    **inputs: Any,
) -> list[Transition]:
    if not objs:
        return []
    validate_payload(inputs)
    moves = [
        persist.PendingTransition(
            obj, _transition(obj, CREATED, "", by, cause, "", None, inputs), born=True, changed={}
        )
        for obj in objs
    ]
    with _restore_on_error(objs), atomic(savepoint=False):
        for obj in objs:
            obj.version = 1
        _raise_if_stale([_write_created(some) for some in persist.chunks(moves)], by)
    _log_on_commit(moves, by)
    return [move.transition for move in moves]


def _write_created(moves: list[persist.PendingTransition]) -> persist.WriteResult:
    with pipeline():
        written = persist.write(moves)  # first, because the guard looks for the Transition
        type(moves[0].obj)._base_manager.bulk_create([move.obj for move in moves])
    return written


def _apply_in_memory(step: Step, by: User | None, reason: str, request_key: str | None) -> persist.PendingTransition:
    obj, meta = step.subject, step.method._django_fsm  # type: ignore[attr-defined]
    edge = allow(obj, meta, by)
    source, before = obj.status, dict(obj.__dict__)
    mutable = {name: deepcopy(before[name]) for name in _mutable(type(obj)) if name in before}
    obj.__dict__ |= mutable  # the method may change these in place, so `before` keeps the originals
    if step.inputs:
        validate_payload(step.inputs)
    given = step.inputs if by is None else {**step.inputs, "by": by}
    target = edge.target
    result = inspect.unwrap(step.method.__func__)(obj, **given)  # type: ignore[attr-defined]
    if isinstance(target, State):
        target = target.get_state(obj, edge, result)
    meta.field.set_state(obj, target)
    obj.version += 1
    transition = _transition(obj, edge.name, source, by, step.cause, reason, request_key, step.inputs)
    columns = _columns(type(obj))
    changed = {
        name: value
        for name, value in obj.__dict__.items()
        if name in columns
        and (name not in before or before[name] is not value)
        and (before.get(name) != value or (name in mutable and repr(before[name]) != repr(value)))  # 1 == True
    }
    return persist.PendingTransition(obj, transition, born=False, changed=changed)


@cache
def _columns(model: type[Stateful]) -> frozenset[str]:
    return frozenset(field.attname for field in model._meta.concrete_fields) - {"status", "version"}


@cache
def _mutable(model: type[Stateful]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if isinstance(field, JSONField | ArrayField)]


def _transition(
    obj: Stateful,
    name: str,
    source: str,
    by: User | None,
    cause: Effect | Transition | None,
    reason: str,
    request_key: str | None,
    inputs: dict[str, Any],
) -> Transition:
    fact = {
        "id": uuid7(),
        "account_id": obj.tenant_id,
        "machine": machine_name(type(obj)),
        "object_id": obj.pk,
        "seq": obj.version or 1,
        "name": name,
        "source": source,
        "target": obj.status,
        "actor_id": None if by is None else by.pk,
        "cause_id": cause.transition_id if isinstance(cause, Effect) else cause.pk if cause else None,
        "reason": reason,
        "inputs": inputs,
        "request_key": request_key,
        "request_id": request_id.get(),
        "trace": trace_for(cause),
    }
    transition = Transition.from_db(connection.alias, fact.keys(), fact.values())  # in the order of its columns
    if by is not None:
        transition.actor = cast("Any", by)
    return transition


def _log_on_commit(moves: list[persist.PendingTransition], by: User | None) -> None:
    level = logging.DEBUG if by is None else logging.INFO
    if log.isEnabledFor(level):
        on_commit(partial(_log, level, [move.transition for move in moves]), robust=True)


def _log(level: int, transitions: list[Transition]) -> None:
    for transition in transitions:
        facts = {
            "transition_id": transition.pk,
            "machine": transition.machine,
            "object_id": transition.object_id,
            "name": transition.name,
            "source": transition.source,
            "target": transition.target,
            "actor_id": transition.actor_id,
        }
        log.log(level, "%s, %s by %s", transition, transition.object_id, transition.actor_id, extra={"facts": facts})


def _group_moves(moves: list[persist.PendingTransition]) -> Iterator[list[persist.PendingTransition]]:
    """Each object at most once in a group, its moves in order."""
    groups: dict[tuple[int, type, tuple[str, ...]], list[persist.PendingTransition]] = {}
    seen: dict[UUID, int] = {}
    for move in moves:
        turn = seen[move.obj.pk] = seen.get(move.obj.pk, -1) + 1
        groups.setdefault((turn, type(move.obj), tuple(sorted(move.changed))), []).append(move)
    for _, group in sorted(groups.items(), key=lambda item: item[0][0]):
        yield from persist.chunks(group)


def _write(groups: list[list[persist.PendingTransition]]) -> list[persist.WriteResult]:
    # Of two callers with the same rows in another order, one waits for the other and is then refused.
    locks: dict[type, set[UUID]] = defaultdict(set)
    for group in groups:
        locks[type(group[0].obj)] |= {move.obj.pk for move in group}
    with pipeline() if len(groups) > 1 else nullcontext():
        return [persist.write(group, locks.pop(type(group[0].obj), set())) for group in groups]


def _all_or_none(moves: list[persist.PendingTransition]) -> AbstractContextManager[None]:
    return atomic(savepoint=False) if len(moves) > 1 else nullcontext()


def _raise_if_stale(written: list[persist.WriteResult], by: User | None) -> None:
    for each in written:
        if stale := each.stale():
            raise _Stale(stale[0], by)
    due = {effect_id: lane for each in written for effect_id, lane in each.due_lanes().items()}
    persist.notify_after_commit(list(due), lanes=set(due.values()))


class _Stale(WrongState):
    def __init__(self, obj: Stateful, by: User | None) -> None:
        self.now = now = type(obj)._base_manager.get(pk=obj.pk)
        super().__init__(
            f"This {type(obj)._meta.verbose_name} was changed meanwhile: it is {now.status}.",
            object_status=str(now.status),
            available=available(now, by),
            unmet=[],
        )


@contextmanager
def _restore_on_error(objs: Sequence[Stateful]) -> Iterator[None]:
    before = {id(obj): (obj, dict(obj.__dict__)) for obj in objs}
    try:
        yield
    except BaseException as error:
        for obj, values in before.values():
            obj.__dict__.clear()
            obj.__dict__.update(values)
        if isinstance(error, Problem) and not connection.needs_rollback:
            _refresh_stale(objs, [error.now] if isinstance(error, _Stale) else [])
        raise


def _refresh_stale(objs: Sequence[Stateful], known: Sequence[Stateful]) -> None:
    """Also those ahead of their rows, because their caller rolled back. known: rows that were read already."""
    rows = {row.pk: row for row in known}
    for model in {type(obj) for obj in objs}:
        if unknown := {obj.pk for obj in objs if type(obj) is model} - rows.keys():
            rows |= model._base_manager.in_bulk(unknown)
    for obj in objs:
        row = rows.get(obj.pk)
        if row is not None and (row.version, row.status) != (obj.version, obj.status):
            _take_over(obj, row)


def _take_over(obj: Stateful, row: Stateful) -> None:
    obj.__dict__ |= {field.attname: row.__dict__[field.attname] for field in obj._meta.concrete_fields}
    obj._state.fields_cache.clear()
    obj.__dict__.pop("_prefetched_objects_cache", None)
