"""An effect inside the database commits with its DONE: exactly once. An external one runs with no transaction open: at
least once, under the same key every time.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.db import Error, connection
from django.db.transaction import atomic

from engine import blocked, call_durations, claim, external_slots, lease, throttles
from engine.call_durations import BUDGET
from engine.deadline import deadline
from engine.errors import (
    INTERRUPTIONS,
    LeaseLost,
    NotYet,
    PermanentFailure,
    RemoteUnavailable,
    RetryAfter,
    SessionEnded,
    TimedOut,
    Unanswered,
)
from engine.logs import effect_context
from engine.models import Effect
from engine.payload import as_storable
from engine.pipeline import ask, pipeline
from engine.problems import Problem
from engine.registry import SLOW, Kind, Retry, kinds, lanes
from engine.session import current_session, has_ended, in_a_session, sqlstate_of
from engine.spans import spans
from engine.sql import statement
from engine.stateful import Stateful
from engine.subjects import ReadAhead, Subjects

log = logging.getLogger(__name__)

BATCH = 100
# A collision with another transaction is repeated in place, and no attempt is charged.
COLLISIONS = {"40001", "40P01"}  # serialization failure, deadlock
COLLISIONS_IN_PLACE = 3
LOCK_WAIT, LOCK_WAIT_OF_A_PART = "300ms", "50ms"
LOCK_NOT_AVAILABLE = "55P03"
_LIFT_SESSION_LIMITS = statement("lift_session_limits")
OUT_OF_RESOURCES = {"53", "58"}  # SQLSTATE classes: insufficient resources, system error
# Outcomes of external effects are written together: at most so many, and so long after the first was sent.
MAX_OUTCOMES = 25
MAX_OUTCOME_AGE = 0.2  # seconds


def run_due(
    ids: Sequence[UUID] = (), *, limit: int = BATCH, of: Sequence[str] = (), lately: bool = False, alone: bool = False
) -> int:
    """Claim effects that are due, execute them, and return how many were claimed.

    Ends within BUDGET and one more call; what was not begun is given back, so call again.
    ids: only these; empty: a fair share of every tenant's, about `limit` in each lane. of: only these lanes.
    lately: leaves older effects to a later call. alone: one effect that must run alone.
    """
    if ids:
        return _take_turn(partial(claim.claim_named, ids, of))
    if alone:
        return _take_turn(partial(claim.claim_alone, of or lanes()))
    if lately:
        return _take_turn(partial(claim.claim_recent, of or lanes(), limit))
    return sum(_take_turn(partial(claim.claim_fair_share, lane, limit)) for lane in of or lanes())


def _take_turn(claiming: Callable[..., list[Effect]]) -> int:
    try:
        claimed = claiming(external=external_slots.enter())
        if not any(kinds[effect.kind].external for effect in claimed):
            external_slots.leave()
        return _execute_all(claimed)
    finally:
        external_slots.leave()


def _execute_all(claimed: list[Effect]) -> int:
    """Takes less than a lease: both budgets, and one call begun before their end."""
    ends, ends_outside = time.monotonic() + BUDGET, 0.0
    # One transaction finishes effects of one batch only: two that lock two batches could deadlock.
    by_kind: dict[tuple[str, UUID | None], list[Effect]] = defaultdict(list)
    for effect in claimed:
        by_kind[effect.kind, effect.batch_id].append(effect)
    shared = set[Any]()
    with ExitStack() as closing:
        # Inside the database first: a far side may be slow.
        for (name, _), effects in sorted(by_kind.items(), key=lambda group: kinds[group[0][0]].external):
            kind = kinds[name]
            if kind.run_context is not None and kind.run_context not in shared:
                shared.add(kind.run_context)
                closing.enter_context(kind.run_context())
            if kind.external:
                ends_outside = ends_outside or min(ends, time.monotonic()) + BUDGET
                _run_external(kind, effects, ends_outside)
            else:
                _run_in_transaction(kind, effects, ends)
    return len(claimed)


def _run_in_transaction(kind: Kind, effects: list[Effect], ends: float) -> None:
    for start in range(0, len(effects), kind.batch):
        if time.monotonic() > ends:
            lease.give_back(effects[start:])
            return
        batch = effects[start : start + kind.batch]
        _run_together(kind, batch, ends, lock_wait=LOCK_WAIT if len(batch) > 1 else "")


def _run_together(kind: Kind, effects: list[Effect], ends: float, *, lock_wait: str) -> None:
    """A batch that fails is repeated in halves, so that only the bad ones fail.

    lock_wait: an effect that waits longer for a locked row is given back, to run alone.
    """
    session = current_session()
    try:
        _in_place(lambda: _commit_together(kind, effects, lock_wait))
    except LeaseLost:
        log.warning("%s: the lease of %s, or of one beside it, had run out", kind.name, effects[0].id)
        lease.give_back(effects)
    except _out_of_time() as error:
        _alone_or_failed(effects, error)
    except Exception as error:
        if has_ended(session, error):  # the leases name it, so the next sweep releases them
            log.warning("%s: the database session ended: %s", kind.name, lease.one_line(error))
        elif _is_of_the_server(error):
            lease.reschedule_unreachable(effects, error)
            log.warning("%s: the database cannot do it now: %s", kind.name, lease.one_line(error))
        elif len(effects) > 1:
            _run_in_halves(kind, effects, ends)
        elif lock_wait and sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            lease.give_back(effects, solo=True)
        else:
            _fail(kind, effects[0], error)


def _run_in_halves(kind: Kind, effects: list[Effect], ends: float) -> None:
    middle = len(effects) // 2
    for half in effects[:middle], effects[middle:]:
        if time.monotonic() > ends:
            lease.give_back(half, solo=True)
        else:
            _run_together(kind, half, ends, lock_wait=LOCK_WAIT_OF_A_PART)


def _out_of_time() -> tuple[type[Exception], ...]:
    return TimedOut, *INTERRUPTIONS


def _alone_or_failed(effects: list[Effect], error: Exception) -> None:
    # Any effect of the batch may have caused it.
    is_its_own = len(effects) == 1 and (isinstance(error, TimedOut) or effects[0].solo)
    if is_its_own:
        _fail(kinds[effects[0].kind], effects[0], error)
    else:
        lease.give_back(effects, solo=True)


def _commit_together(kind: Kind, effects: list[Effect], lock_wait: str) -> None:
    subjects = Subjects(kind, effects)
    with atomic(), deadline(kind.timeout):
        with pipeline():
            if kind.lane == SLOW:
                ask(_LIFT_SESSION_LIMITS, [f"{kind.timeout.total_seconds():.0f}s"])
            if lock_wait:
                ask(f"SET LOCAL lock_timeout = '{lock_wait}'")
            check_held = lease.lock_leased(effects)
            subjects.send()
        check_held()
        started = time.monotonic()
        _call(kind, effects, subjects.in_order())
        lease.finish(effects, took=time.monotonic() - started)


def _run_external(kind: Kind, effects: list[Effect], ends: float) -> None:
    """Outcomes are written together. If the process dies before, the calls are repeated under the same keys."""
    breaker = lease.circuit_breaker_of(kind.name)
    if breaker is not None and breaker.is_open:  # type: ignore[attr-defined]
        lease.reschedule_unreachable(effects, None, until=breaker.paused_until)
        return
    every = blocked.known().time_between_calls(kind)
    reader, sent = ReadAhead(kind, effects), list[lease.Sent]()
    for position, effect in enumerate(effects):
        is_over = time.monotonic() + (call_durations.expected(kind.lane) if position else 0) > ends
        wait = throttles.take(kind, every, within=ends - time.monotonic()) if every and not is_over else 0.0
        if is_over or wait is None:
            if wait is None:
                blocked.invalidate()
            _keep(sent)
            lease.give_back(effects[position:])
            return
        try:
            if wait:
                sent = _keep(sent)
                throttles.sleep(wait)
            answered = _send(kind, effect, reader, wait)
        except RemoteUnavailable as error:
            _keep(sent)
            lease.record_unreachable(kind.name)
            lease.reschedule_unreachable(effects[position:], error)
            log.warning("%s: the far side cannot be reached: %s", kind.name, error)
            return
        except Unanswered as error:
            _keep(sent)
            lease.record_unreachable(kind.name)
            lease.record_unanswered(effect, error)
            lease.reschedule_unreachable(effects[position + 1 :], error)  # the next would hang as well
            log.warning("%s: the far side did not answer: %s", kind.name, error)
            return
        except Exception as error:
            _keep(sent)
            if isinstance(error, tuple(INTERRUPTIONS)):
                _alone_or_failed([effect], error)
            elif not isinstance(error, SessionEnded):
                raise
            lease.give_back(effects[position + 1 :])
            return
        if answered is None:
            continue
        sent += answered
        if breaker is not None:
            lease.record_reachable(kind.name)
            breaker = None
        if sent and (
            not kind.idempotent or len(sent) == MAX_OUTCOMES or time.monotonic() - sent[0].at > MAX_OUTCOME_AGE
        ):
            sent = _keep(sent)
    _keep(sent)


def _send(kind: Kind, effect: Effect, reader: ReadAhead, waited: float) -> list[lease.Sent] | None:
    """The outcome; [] after a failure, which is written; None: no call was made.

    Raises RemoteUnavailable, Unanswered for an idempotent kind, SessionEnded, or an interruption of the worker.
    """
    open_blocks = [block for block in connection.atomic_blocks if not block._from_testcase]  # type: ignore[attr-defined]
    assert not open_blocks, "no transaction may be open while an effect is outside"
    session = current_session()
    try:
        subject = reader.subject(effect)
        if not kind.idempotent:
            lease.mark_in_flight(effect)
    except LeaseLost:
        log.warning("%s: the lease of %s had run out, so it is not sent", kind.name, effect.id)
        return None
    except Exception as error:
        if has_ended(session, error):
            raise SessionEnded from error
        _fail(kind, effect, error)
        return None
    return _send_about(kind, effect, subject, waited)


def _send_about(kind: Kind, effect: Effect, subject: Stateful | None, waited: float) -> list[lease.Sent]:
    session = current_session()
    try:
        return [_call_outside(kind, effect, subject, waited)]
    except RemoteUnavailable:
        raise
    except Unanswered as error:
        if kind.idempotent:
            raise
        lease.mark_uncertain(effect, error)
    except NotYet as reason:
        lease.put_off(effect, reason)
    except Exception as error:
        if isinstance(error, PermanentFailure | Problem):
            _fail(kind, effect, error)
        elif not kind.idempotent:
            lease.mark_uncertain(effect, error)
        elif isinstance(error, tuple(INTERRUPTIONS)):
            raise
        elif isinstance(error, Error) and has_ended(session, error):
            raise SessionEnded from error
        else:
            _fail(kind, effect, error)
    return []


def _call_outside(kind: Kind, effect: Effect, subject: Stateful | None, waited: float) -> lease.Sent:
    started, session = time.monotonic(), current_session()
    try:
        with deadline(kind.timeout):
            outcome = _call(kind, [effect], [subject])
        return lease.Sent(effect, as_storable(outcome), time.monotonic() - started, at=started)
    finally:
        call_durations.note(kind.lane, waited + time.monotonic() - started)
        has_ended(session)  # then the outcome is written in a new session


def _keep(sent: list[lease.Sent]) -> list[lease.Sent]:
    """Returns [], what is left to write."""
    for effect in in_a_session(lambda: lease.finish_sent(sent)):
        log.warning("%s: the lease of %s had run out; its new holder keeps the outcome", effect.kind, effect.id)
    return []


def _call(kind: Kind, effects: list[Effect], subjects: list[Stateful | None]) -> Any:
    with effect_context(effects), spans(effects):
        if kind.batch > 1:
            return kind.run(subjects, effects)
        return kind.run(subjects[0], effects[0])


def _fail(kind: Kind, effect: Effect, error: BaseException) -> None:
    rule = kind.retry.of(error)
    # A failure of the far side gets the kind's patience; an error of our own does not.
    if rule is not None and rule.patience is None and isinstance(error, OSError | TimedOut | RetryAfter):
        rule = replace(rule, patience=kind.patience)
    is_final = rule is None or isinstance(error, PermanentFailure | Problem)
    is_dead = lease.fail(effect, error, is_final=is_final, rule=rule or Retry())
    with effect_context([effect]):
        log.log(
            logging.ERROR if is_dead else logging.WARNING,
            "%s %s failed, attempt %s%s",
            effect.kind,
            effect.id,
            effect.attempts + 1,
            ", and is dead" if is_dead else "",
            exc_info=error,
        )


def _in_place(work: Callable[[], None]) -> None:
    for attempt in range(COLLISIONS_IN_PLACE + 1):
        try:
            return work()
        except Error as error:
            if sqlstate_of(error) not in COLLISIONS or attempt == COLLISIONS_IN_PLACE:
                raise
    return None


def _is_of_the_server(error: Exception) -> bool:
    """No disk, no memory, no room for a session."""
    return (sqlstate_of(error) or "")[:2] in OUT_OF_RESOURCES
