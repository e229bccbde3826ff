"""The rows' side of executing effects, once they are claimed: hold, give back, finish.

Database time decides everything.

A lease names the database session of its holder. When that session is gone its process is dead, and the
sweeper takes the effect back at once; `lease_until` is for a holder that hangs or a machine that vanished.
Behind a pooler a session belongs to nobody for long, so there the lease names none and only time counts.
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

LEASE = timedelta(seconds=30)
SLOW_LEASE = LEASE + timedelta(seconds=LONGEST_SLOW)
# Constants, and not what the known kinds take: of two releases each sees from the end of a lease when it began.
LENGTH = f"""(CASE effect.lane WHEN '{SLOW}' THEN interval '{SLOW_LEASE.total_seconds():.0f} s'
        ELSE interval '{LEASE.total_seconds():.0f} s' END)"""
MAX_ATTEMPTS = 12
GIVE_UP = timedelta(hours=24)  # after its first failure
FIRST_WAIT, LONGEST_WAIT, LONGEST_PATIENT_WAIT = 2.0, 900.0, 3600.0  # seconds
FAILURES_TO_OPEN = 5  # failures in a row to reach the far side
UNANSWERED_WAIT = 60.0  # seconds, at least: who hangs is given time to come round
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds


def give_back(effects: Sequence[Effect], *, solo: bool = False) -> None:
    """Let others have them: nothing was done, nothing is charged. `solo`: each is to run alone."""
    if effects:
        _update_held(effects, "state = 'ready', lease_until = NULL, solo = solo OR %(solo)s::bool", solo=solo)


def hold(effects: Sequence[Effect]) -> Callable[[], None]:
    """Lock the rows to the end of the transaction. What comes back raises Fenced unless each of them is still ours."""
    cursor = ask(
        """SELECT FROM engine_effect AS effect
           JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
               ON effect.id = held.id AND effect.fence = held.fence
           WHERE effect.state = 'leased' ORDER BY effect.id FOR NO KEY UPDATE OF effect""",
        {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects]},
    )

    def check() -> None:
        if cursor.rowcount != len(effects):
            raise LeaseLost

    return check


def held(effects: Sequence[Effect]) -> Callable[[], set[UUID]]:
    """Ask which of these are still ours; what comes back says it."""
    cursor = ask(
        """SELECT effect.id FROM engine_effect AS effect
           JOIN unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
               ON effect.id = held.id AND effect.fence = held.fence
           WHERE effect.state = 'leased'""",
        {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects]},
    )
    return lambda: {row[0] for row in cursor.fetchall()}


def finish(effects: Sequence[Effect], *, took: float) -> None:
    """Mark effects inside the house done after `took` seconds, if each is still ours. Raises Fenced when one is not."""
    finished = _update_held(
        effects,
        """state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
           cause = '', took = %(took)s::int""",
        took=round(took * 1000),
    )
    if finished != len(effects):
        raise LeaseLost


@dataclass(frozen=True)
class Sent:
    """What left the house, and what the far side answered; `at` is when it left, by time.monotonic()."""

    effect: Effect
    outcome: Any
    took: float
    at: float


def finish_sent(sent: Sequence[Sent]) -> list[Effect]:
    """Mark these done, each with its outcome; those that are not ours any more are left alone, and returned.

    One that a sweep took from us, and nobody has claimed since, was sent and is done.
    """
    if not sent:
        return []
    cursor = ask(
        """UPDATE engine_effect AS effect
           SET state = 'done', done_at = now(), lease_until = NULL, attempts = attempts + 1, last_error = '',
               cause = '', outcome = sent.outcome::jsonb, took = sent.took
           FROM unnest(%(ids)s::uuid[], %(fences)s::int[], %(outcomes)s::text[], %(took)s::int[])
               AS sent(id, fence, outcome, took)
           WHERE effect.id = sent.id AND effect.fence = sent.fence
               AND effect.state IN ('leased', 'uncertain', 'ready')
           RETURNING effect.id""",
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
    """Before a call whose repetition nobody would notice: if we never come back, its outcome is unknown.

    The lease stays, so that while we are there nobody lets it run again, and a sweep tells a person when we are gone.
    """
    if not _update_held([effect], "state = 'uncertain'"):
        raise LeaseLost


@atomic
def fail(effect: Effect, error: BaseException, *, is_final: bool, rule: Retry) -> bool:
    """Charge an attempt: try later, each time after a longer and randomly shortened wait, or never. True when dead.

    With patience: dead when the first failure is as long ago and the attempts are over. Without: when one of both is.
    """
    text = one_line(error)
    state = _update_held(
        [effect],
        """state = CASE WHEN %(is_final)s::bool
                         OR %(patience)s::interval IS NULL AND (
                             attempts + 1 >= %(most)s::int OR now() > failing_since + %(give_up)s::interval)
                         OR attempts + 1 >= %(most)s::int AND now() > failing_since + %(patience)s::interval
                    THEN 'dead' ELSE 'waiting' END,
            attempts = attempts + 1, lease_until = NULL, last_error = %(error)s::text,
            cause = %(cause)s::text, run_at = now() + %(wait)s::interval,
            failing_since = coalesce(failing_since, now())""",
        cause=cause_of(error),
        is_final=is_final,
        patience=rule.patience,
        most=rule.attempts or MAX_ATTEMPTS,
        give_up=GIVE_UP,
        error=text,
        wait=_wait(effect, error, rule),
        returning="state",
    )
    if not state:
        return False
    EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.FAILED, detail=text)
    is_dead: bool = state == [("dead",)]
    if is_dead:
        raise_alert(effect.kind)
    return is_dead


def _wait(effect: Effect, error: BaseException, rule: Retry) -> timedelta:
    """As the far side asks; else at random, full jitter."""
    longest = rule.longest or (LONGEST_WAIT if rule.patience is None else LONGEST_PATIENT_WAIT)
    if isinstance(error, RetryAfter) and error.after is not None:
        return min(error.after, GIVE_UP)
    first = rule.first or FIRST_WAIT
    return timedelta(seconds=random.uniform(0, min(longest, first * 2 ** min(effect.attempts, 20))))  # noqa: S311


@atomic
def mark_uncertain(effect: Effect, error: BaseException) -> None:
    """The call of a parked effect ended badly: it stays parked, and a person finds out."""
    text = one_line(error)
    changes = "attempts = attempts + 1, lease_until = NULL, last_error = %(error)s::text, cause = %(cause)s::text"
    if _update_held([effect], changes, error=text, cause=cause_of(error)):
        EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.UNCERTAIN, detail=text)
        raise_alert(effect.kind)


@atomic
def unanswered(effect: Effect, error: BaseException) -> None:
    """It may have happened: tried once more; when that ends the same way it is parked, and a person finds out.

    Somebody who lets it run again from the desk has asked the far side, so it counts from there again.
    """
    text, is_parked = one_line(error), _was_unanswered(effect)
    wait = random.uniform(UNANSWERED_WAIT, 2 * UNANSWERED_WAIT)  # noqa: S311 - jitter
    held = _update_held(
        [effect],
        """state = CASE WHEN %(is_parked)s::bool THEN 'uncertain' ELSE 'waiting' END, attempts = attempts + 1,
           lease_until = NULL, last_error = %(error)s::text, cause = %(cause)s::text,
           run_at = now() + %(wait)s::interval, failing_since = coalesce(failing_since, now())""",
        is_parked=is_parked,
        cause=cause_of(error),
        error=text,
        wait=timedelta(seconds=wait),
    )
    if held:
        EffectEvent.objects.create(effect=effect, fence=effect.fence, what=EffectEvent.What.UNCERTAIN, detail=text)
        if is_parked:
            raise_alert(effect.kind)


def _was_unanswered(effect: Effect) -> bool:
    what = EffectEvent.What
    telling = effect.events.filter(what__in=[what.UNCERTAIN, what.RETRIED, what.EDITED])
    last = telling.order_by("-at", "-id").first()
    return last is not None and last.what == what.UNCERTAIN


def put_off(effect: Effect, reason: NotYet) -> None:
    """It waits for something that is no failure: nothing is charged, and no patience is counted."""
    _update_held(
        [effect],
        "state = 'waiting', lease_until = NULL, last_error = %(reason)s::text, run_at = now() + %(after)s::interval",
        reason=str(reason),
        after=reason.after,
    )


@atomic
def reschedule_unreachable(
    effects: Sequence[Effect], error: BaseException | None, *, until: datetime | None = None
) -> None:
    """The far side cannot be reached: they wait, until then or a moment, and nothing is charged to them."""
    rows = _update_held(
        effects,
        """state = CASE WHEN now() > failing_since + %(give_up)s::interval THEN 'dead' ELSE 'waiting' END,
           lease_until = NULL, failing_since = coalesce(failing_since, now()),
           last_error = coalesce(%(error)s::text, nullif(last_error, ''), 'paused: its far side was not reached'),
           cause = coalesce(%(cause)s::text, cause),
           run_at = coalesce(%(until)s::timestamptz, now()) + random() * interval '2 seconds'""",
        give_up=GIVE_UP,
        error=error and one_line(error),
        cause=error and cause_of(error),
        until=until,
        returning="id, effect.fence, effect.state",
    )
    dead = [(key, fence) for key, fence, state in rows if state == "dead"]
    if dead:
        EffectEvent.objects.bulk_create(
            EffectEvent(effect_id=key, fence=fence, what=EffectEvent.What.DIED, detail="not reached for a day")
            for key, fence in dead
        )
        raise_alert(effects[0].kind)


def record_unreachable(kind: str) -> None:
    """Count one more failure to reach the far side of a kind; after some in a row it is paused, longer each time."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO engine_circuitbreaker (kind, failures) VALUES (%(kind)s, 1)
                ON CONFLICT (kind) DO UPDATE SET
                    failures = engine_circuitbreaker.failures + 1,
                    paused_until = CASE WHEN engine_circuitbreaker.failures + 1 >= {FAILURES_TO_OPEN} THEN
                        now() + make_interval(secs => least({LONGEST_PAUSE},
                            {FIRST_PAUSE} * 2 ^ least(engine_circuitbreaker.failures + 1 - {FAILURES_TO_OPEN}, 20))) END""",
            {"kind": kind},
        )


def circuit_breaker_of(kind: str) -> CircuitBreaker | None:
    """The kind's breaker with `is_open` by the database's clock; None while all is well.

    A pause that would last longer than any does is of a clock that was set back since.
    """
    is_open = Q(paused_until__gt=Now(), paused_until__lte=Now() + timedelta(seconds=LONGEST_PAUSE))
    return CircuitBreaker.objects.filter(kind=kind).annotate(is_open=is_open).first()


def record_reachable(kind: str) -> None:
    """The far side answered: forget its failures."""
    CircuitBreaker.objects.filter(kind=kind).delete()


def cause_of(error: BaseException) -> str:
    """By which failures are told apart: the class, and the far side's code where it or what it follows from has one."""
    cls = type(error)
    name = cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    codes = [code for each in (error, error.__cause__) for code in _codes(each)]
    return " ".join([name, *map(str, codes[:1])])[:120]


def _codes(error: BaseException | None) -> list[int]:
    """Of smtplib, of HTTP clients."""
    recipients = getattr(error, "recipients", None)
    if isinstance(recipients, dict):
        return [code for code, _ in recipients.values()]
    found = (getattr(error, name, None) for name in ("smtp_code", "status_code", "status"))
    return [code for code in found if isinstance(code, int)]


def one_line(error: BaseException) -> str:
    text = redact("".join(traceback.format_exception_only(error)).strip())
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:2000]


def _update_held(effects: Sequence[Effect], changes: str, *, returning: str = "", **values: Any) -> Any:
    """Update rows whose fence is still the one we hold; how many that were, or their values."""
    cursor = ask(
        f"""UPDATE engine_effect AS effect SET {changes}
            FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
            WHERE effect.id = held.id AND effect.fence = held.fence AND effect.state IN ('leased', 'uncertain')
            {f"RETURNING effect.{returning}" if returning else ""}""",
        {"ids": [effect.id for effect in effects], "fences": [effect.fence for effect in effects], **values},
    )
    return cursor.fetchall() if returning else cursor.rowcount
