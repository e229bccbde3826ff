"""A transition and all that follows inside the database are executed and rolled back."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import Error
from django.db.transaction import atomic, set_rollback

from engine import claim, lease
from engine.actors import User
from engine.call_durations import BUDGET
from engine.executor import COLLISIONS, LOCK_NOT_AVAILABLE, LOCK_WAIT
from engine.lease import one_line
from engine.models import Effect, Transition
from engine.persist import Notes, notes
from engine.pipeline import ask, pipeline
from engine.problems import Unavailable
from engine.raw_queries import CompiledQuery
from engine.registry import Kind, kinds
from engine.session import sqlstate_of
from engine.sql import statement
from engine.stateful import Stateful
from engine.subjects import Subjects
from engine.transitions import perform

_TRANSITIONS, _EFFECTS = CompiledQuery(Transition._base_manager.all()), CompiledQuery(Effect._base_manager.all())
_PROMOTE_MOVED = statement("promote_moved")
BUSY_SQLSTATES = {*COLLISIONS, LOCK_NOT_AVAILABLE}


class Busy(Unavailable):
    """Busy, not previewed."""

    def __init__(self) -> None:
        super().__init__("Somebody is changing this just now, so it was not previewed.", retry_after=1)


@dataclass(frozen=True)
class Change:
    """`source` is empty if the object would be created."""

    machine: str
    object_id: UUID
    account_id: UUID
    source: str
    target: str


@dataclass
class Preview:
    """transitions, effects: the rows that would be written or rescheduled, in order.

    failed: effect id -> what its handler would raise. seen: the result of `look`; answer: that of the work.
    """

    transitions: list[Transition] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    failed: dict[UUID, str] = field(default_factory=dict)
    seen: Any = None
    answer: Any = None

    @property
    def changes(self) -> list[Change]:
        found: dict[tuple[str, UUID], list[Transition]] = defaultdict(list)
        for each in self.transitions:
            found[each.machine, each.object_id].append(each)
        return [
            Change(*key, steps[0].account_id, steps[0].source, max(steps, key=lambda step: step.seq).target)
            for key, steps in found.items()
        ]

    @property
    def external(self) -> list[Effect]:
        return [each for each in self.effects if kinds[each.kind].external]

    @property
    def timers(self) -> list[Effect]:
        return [each for each in self.effects if each.state == Effect.State.WAITING and not kinds[each.kind].external]


def preview(
    method: Callable[..., Any],
    *,
    by: User | None = None,
    reason: str = "",
    look: Callable[[Preview], Any] | None = None,
    **inputs: Any,
) -> Preview:
    """Raises what perform() raises, and Busy. look: called with the Preview before the rollback."""
    subject: Stateful = method.__self__  # type: ignore[attr-defined]
    return preview_of(lambda: perform(method, by=by, reason=reason, **inputs), subject, look=look)


def preview_of(work: Callable[[], Any], *subjects: Stateful, look: Callable[[Preview], Any] | None = None) -> Preview:
    """subjects: the objects in memory that the work moves.

    The real handlers run, in one transaction. What is drawn from a sequence or written in another session would stay.
    """
    before = [(obj, dict(obj.__dict__), dict(obj._state.fields_cache)) for obj in subjects]
    noted = Notes()
    token = notes.set(noted)
    found = Preview()
    try:
        with _rolled_back():
            found.answer = work()
            _follow(noted, found.failed, ends=time.monotonic() + BUDGET)
            _read(noted, found)
            if look is not None:
                found.seen = look(found)
    finally:
        notes.reset(token)
        for obj, values, related in before:
            obj.__dict__.clear()
            obj.__dict__.update(values)
            obj._state.fields_cache = related
    return found


@contextmanager
def _rolled_back() -> Iterator[None]:
    """Raises Busy if a lock is held by another transaction."""
    try:
        with atomic():
            ask(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
            yield
            set_rollback(True)
    except Error as error:
        if _is_busy(error):
            raise Busy from error
        raise


def _follow(noted: Notes, failed: dict[UUID, str], *, ends: float) -> None:
    while due := [*noted.due_internal, *_woken(noted.moved)]:
        noted.due_internal.clear()
        claimed = claim.claim_named(due, external=False)
        if not claimed:  # paused, of an unknown kind, or not due
            return
        by_kind: dict[str, list[Effect]] = defaultdict(list)
        for effect in claimed:
            by_kind[effect.kind].append(effect)
        for name, effects in by_kind.items():
            size = kinds[name].batch
            for start in range(0, len(effects), size):
                if time.monotonic() > ends:
                    raise Busy
                _do(kinds[name], effects[start : start + size], failed)


def _woken(moved: Sequence[UUID]) -> Sequence[UUID]:
    """As the next sweep would."""
    if moved:
        ask(_PROMOTE_MOVED, [list(moved)])
    return moved


def _do(kind: Kind, effects: Sequence[Effect], failed: dict[UUID, str]) -> None:
    """As a worker does, without log lines, spans and retries."""
    subjects = Subjects(kind, list(effects))
    try:
        with atomic():
            subjects.send()
            found = subjects.in_order()
            run = kind.preview or kind.run
            if kind.batch > 1:
                run(found, effects)
            else:
                run(found[0], effects[0])
            lease.finish(effects, took=0)
    except Exception as error:
        if _is_busy(error):
            raise
        if len(effects) == 1:
            failed[effects[0].id] = one_line(error)
            return
        for effect in effects:
            _do(kind, [effect], failed)


def _is_busy(error: Exception) -> bool:
    return sqlstate_of(error) in BUSY_SQLSTATES


def _read(noted: Notes, found: Preview) -> None:
    """Raises what would refuse the commit."""
    keys = list(dict.fromkeys([*noted.effects, *noted.moved]))
    with pipeline():
        ask("SET CONSTRAINTS ALL IMMEDIATE")
        transitions, effects = _TRANSITIONS.ask(noted.transitions), _EFFECTS.ask(keys)
    facts, effects_by_id = transitions.by_key(), effects.by_key()
    found.transitions = [facts[key] for key in noted.transitions if key in facts]
    found.effects = [effects_by_id[key] for key in keys if key in effects_by_id]
