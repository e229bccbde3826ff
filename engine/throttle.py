"""How often a far side is called: its row says from when it may be called again, for all processes.

Who calls takes the next moment that is free and lets the one after it begin later (GCRA, with nothing saved up). What
has to wait for longer stays in its lane, uncharged, and no claim takes it before its time.
"""

from __future__ import annotations

import time
from datetime import timedelta

from engine.models import Throttle
from engine.pace import BUDGET
from engine.registry import Kind, kinds, rates
from engine.statements import ask

NEAR = timedelta(seconds=0.25)  # a worker claims what is free within this, and waits for it
# A moment further ahead than who waits for one takes it is of a clock that was set back, or of a slower rate of before.
FURTHEST = timedelta(seconds=2 * BUDGET)

waits = False  # whether this process sleeps until the moment comes, for as long as a run may last: workers do

# Kinds whose moment is not near. clock_timestamp, because now() is the beginning of somebody's transaction.
CLOSED = """
    SELECT limited.kind
    FROM unnest(%(limited)s::text[], %(throttles)s::text[], %(every)s::interval[]) AS limited(kind, throttle, every)
    JOIN core_throttle AS throttle ON throttle.name = limited.throttle
    WHERE throttle.free_at > clock_timestamp() + %(near)s::interval
        AND throttle.free_at < clock_timestamp() + coalesce(throttle.every, limited.every) + %(furthest)s::interval"""
_TAKE = """
    INSERT INTO core_throttle AS throttle (name, free_at, rate)
    VALUES (%(name)s::text, clock_timestamp() + %(every)s::interval, '')
    ON CONFLICT (name) DO UPDATE SET free_at = %(every)s::interval + CASE
            WHEN throttle.free_at < clock_timestamp() + %(every)s::interval + %(furthest)s::interval
            THEN greatest(throttle.free_at, clock_timestamp()) ELSE clock_timestamp() END
        WHERE throttle.free_at IS NULL OR throttle.free_at <= clock_timestamp() + %(within)s::interval
            OR throttle.free_at >= clock_timestamp() + %(every)s::interval + %(furthest)s::interval
    RETURNING extract(epoch FROM free_at - %(every)s::interval - clock_timestamp())::float"""


def closed_values() -> dict[str, object]:
    """What CLOSED asks for."""
    limited = [kind for kind in kinds.values() if kind.throttle]
    return {
        "limited": [kind.name for kind in limited],
        "throttles": [kind.throttle for kind in limited],
        "every": [rates[kind.throttle] for kind in limited],
        "near": NEAR if waits else timedelta(0),
        "furthest": FURTHEST,
    }


def time_between_calls(kind: Kind) -> timedelta | None:
    """As an operator has set it, else as it is declared; None: as they come."""
    if not kind.throttle:
        return None
    of_operator = Throttle.objects.filter(name=kind.throttle).values_list("every", flat=True).first()
    return of_operator or rates[kind.throttle]


def take(kind: Kind, every: timedelta, *, within: float) -> float | None:
    """Seconds until the moment that this call has now to itself; None: it is not free within so many, and not taken."""
    values = {
        "name": kind.throttle,
        "every": every,
        "within": timedelta(seconds=max(0.0, within) if waits else 0.0),
        "furthest": FURTHEST,
    }
    found = ask(_TAKE, values).fetchone()
    return None if found is None else max(0.0, found[0])


def pause(seconds: float) -> None:
    time.sleep(seconds)
