"""All times are the database's. A lease names its holder's database session: when that ends, the sweeper releases it.

`lease_until` is for a holder that hangs. Behind a pooler sessions are shared, so only time counts.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Q
from django.db.models.functions import Now
from django.db.transaction import atomic

from engine.alerts import raise_alert
from engine.errors import LeaseLost, NotYet, RetryAfter
from engine.logs import redact
from engine.models import CircuitBreaker, Effect, EffectEvent
from engine.payload import to_json
from engine.pipeline import ask
from engine.registry import LONGEST_SLOW, SLOW, Retry
from engine.sql import statement

LEASE = timedelta(seconds=30)
SLOW_LEASE = LEASE + timedelta(seconds=LONGEST_SLOW)
# Constants, not the timeouts of known kinds: two releases must compute the same start of a lease from its end.
LENGTH = f"""(CASE effect.lane WHEN '{SLOW}' THEN interval '{SLOW_LEASE.total_seconds():.0f} s'
        ELSE interval '{LEASE.total_seconds():.0f} s' END)"""
MAX_ATTEMPTS = 12
GIVE_UP = timedelta(hours=24)  # after its first failure
FIRST_WAIT, LONGEST_WAIT, LONGEST_PATIENT_WAIT = 2.0, 900.0, 3600.0  # seconds
FAILURES_TO_OPEN = 5  # failures in a row to reach the far side
UNANSWERED_WAIT = 60.0  # seconds, at least: a far side that hangs is given time to recover
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds

_LOCK_HELD, _FIND_HELD = statement("lock_held"), statement("find_held")
_GIVE_BACK, _PUT_OFF, _FAIL = statement("give_back"), statement("put_off"), statement("fail")
_FINISH, _FINISH_SENT = statement("finish"), statement("finish_sent")
_MARK_IN_FLIGHT, _MARK_UNCERTAIN = statement("mark_in_flight"), statement("mark_uncertain")
_MARK_UNANSWERED = statement("mark_unanswered")
_RESCHEDULE_UNREACHABLE = statement("reschedule_unreachable")
_RECORD_UNREACHABLE = statement(
    "record_unreachable", failures_to_open=FAILURES_TO_OPEN, longest_pause=LONGEST_PAUSE, first_pause=FIRST_PAUSE
)


def give_back(effects: Sequence[Effect], *, solo: bool = False) -> None:
    """No attempt is charged. solo: each is to run alone."""
    if effects:
        _update_held(_GIVE_BACK, effects, solo=solo)


def lock_leased(effects: Sequence[Effect]) -> Callable[[], None]:
    """The returned function raises LeaseLost unless all are still ours."""
    cursor = ask(_LOCK_HELD, _named(effects))

    def check() -> None:
        if cursor.rowcount != len(effects):
            raise LeaseLost

    return check


def find_leased(effects: Sequence[Effect]) -> Callable[[], set[UUID]]:
    """The returned function tells which are still ours."""
    cursor = ask(_FIND_HELD, _named(effects))
    return lambda: {row[0] for row in cursor.fetchall()}


def finish(effects: Sequence[Effect], *, took: float) -> None:
    """took: seconds. Raises LeaseLost if one is no longer ours."""
    finished = _update_held(_FINISH, effects, took=round(took * 1000)).rowcount
    if finished != len(effects):
        raise LeaseLost


@dataclass(frozen=True)
class Sent:
    """took: seconds; at: when it was sent, by time.monotonic()."""

    effect: Effect
    outcome: Any
    took: float
    at: float


def finish_sent(sent: Sequence[Sent]) -> list[Effect]:
    """Returns those that are no longer ours."""
    if not sent:
        return []
    # Released by a sweep and not claimed since: it was sent, so it is done.
    # Released by a sweep and not claimed since: it was sent, so it is done.
    cursor = ask(
        _FINISH_SENT,
        {
            "ids": [each.effect.id for each in sent],
            "fences": [each.effect.fence for each in sent],
            "outcomes": [None if each.outcome is None else to_json(each.outcome) for each in sent],
            "took": [round(each.took * 1000) for each in sent],
        },
    )
    done = {row[0] for row in cursor.fetchall()}
    return [each.effect for each in sent if each.effect.id not in done]


def mark_in_flight(effect: Effect) -> None:
    """Before a non-idempotent call, so that a crash leaves it to an operator.

    The lease stays: nobody retries it meanwhile.
    """
    if not _update_held(_MARK_IN_FLIGHT, [effect]).rowcount:
        raise LeaseLost


@atomic
def fail(effect: Effect, error: BaseException, *, is_final: bool, rule: Retry) -> bool:
    """Returns whether the effect is dead.

    With patience: dead once the first failure is that long ago and all attempts are used. Without: once either holds,
    with GIVE_UP as the time.
    """
    text = one_line(error)
    cursor = _update_held(
        _FAIL,
        [effect],
        cause=cause_of(error),
        is_final=is_final,
        patience=rule.patience,
        most=rule.attempts or MAX_ATTEMPTS,
        give_up=GIVE_UP,
        error=text,
        wait=_wait(effect, error, rule),
    )
    state = cursor.fetchall()
    if not state:
        return False
    EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.FAILED, detail=text)
    is_dead: bool = state == [("dead",)]
    if is_dead:
        raise_alert(effect.kind)
    return is_dead


def _wait(effect: Effect, error: BaseException, rule: Retry) -> timedelta:
    """What the far side asked for, else exponential backoff with full jitter."""
    longest = rule.longest or (LONGEST_WAIT if rule.patience is None else LONGEST_PATIENT_WAIT)
    if isinstance(error, RetryAfter) and error.after is not None:
        return min(error.after, GIVE_UP)
    first = rule.first or FIRST_WAIT
    return timedelta(seconds=random.uniform(0, min(longest, first * 2 ** min(effect.attempts, 20))))  # noqa: S311


@atomic
def mark_uncertain(effect: Effect, error: BaseException) -> None:
    text = one_line(error)
    if _update_held(_MARK_UNCERTAIN, [effect], error=text, cause=cause_of(error)).rowcount:
        EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.UNCERTAIN, detail=text)
        raise_alert(effect.kind)


@atomic
def record_unanswered(effect: Effect, error: BaseException) -> None:
    """Retried once, then uncertain. A retry by an operator counts from the start again."""
    text, is_parked = one_line(error), _was_unanswered(effect)
    wait = random.uniform(UNANSWERED_WAIT, 2 * UNANSWERED_WAIT)  # noqa: S311 - jitter
    held = _update_held(
        _MARK_UNANSWERED,
        [effect],
        is_parked=is_parked,
        cause=cause_of(error),
        error=text,
        wait=timedelta(seconds=wait),
    )
    if held.rowcount:
        EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.UNCERTAIN, detail=text)
        if is_parked:
            raise_alert(effect.kind)


def _was_unanswered(effect: Effect) -> bool:
    what = EffectEvent.What
    telling = effect.events.filter(what__in=[what.UNCERTAIN, what.RETRIED, what.EDITED])
    last = telling.order_by("-at", "-id").first()
    return last is not None and last.what == what.UNCERTAIN


def put_off(effect: Effect, reason: NotYet) -> None:
    """No attempt is charged, and patience does not run."""
    _update_held(_PUT_OFF, [effect], reason=str(reason), after=reason.after)


@atomic
def reschedule_unreachable(
    effects: Sequence[Effect], error: BaseException | None, *, until: datetime | None = None
) -> None:
    """No attempt is charged. until: None for two seconds at most."""
    cursor = _update_held(
        _RESCHEDULE_UNREACHABLE,
        effects,
        give_up=GIVE_UP,
        error=error and one_line(error),
        cause=error and cause_of(error),
        until=until,
    )
    dead = [(key, fence) for key, fence, state in cursor.fetchall() if state == "dead"]
    if dead:
        EffectEvent.objects.bulk_create(
            EffectEvent(effect_id=key, fence=fence, what=EffectEvent.What.DIED, detail="not reached for a day")
            for key, fence in dead
        )
        raise_alert(effects[0].kind)


def record_unreachable(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RECORD_UNREACHABLE, {"kind": kind})


def circuit_breaker_of(kind: str) -> CircuitBreaker | None:
    """With `is_open`, by the database's clock."""
    is_open = Q(paused_until__gt=Now(), paused_until__lte=Now() + timedelta(seconds=LONGEST_PAUSE))
    return CircuitBreaker.objects.filter(kind=kind).annotate(is_open=is_open).first()


def record_reachable(kind: str) -> None:
    CircuitBreaker.objects.filter(kind=kind).delete()


def cause_of(error: BaseException) -> str:
    """The class, and the far side's code if the error or its cause has one."""
    cls = type(error)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    codes = [code for each in (error, error.__cause__) for code in _codes(each)]
    return " ".join([name, *map(str, codes[:1])])[:120]


def _codes(error: BaseException | None) -> list[int]:
    recipients = getattr(error, "recipients", None)
    if isinstance(recipients, dict):
        return [code for code, _ in recipients.values()]
    found = (getattr(error, name, None) for name in ("smtp_code", "status_code", "status"))
    return [code for code in found if isinstance(code, int)]


def one_line(error: BaseException) -> str:
    text = redact("".join(traceback.format_exception_only(error)).strip())
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:2000]


def _update_held(sql: str, effects: Sequence[Effect], **values: Any) -> CursorWrapper:
    """Update rows whose fence is still ours."""
    return ask(sql, _named(effects) | values)


def _named(effects: Sequence[Effect]) -> dict[str, Any]:
    return {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects]}
