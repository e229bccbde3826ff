"""How often a far side is called: its row says from when it may be called again, for all processes.

Who calls takes the next moment that is free and lets the one after it begin later (GCRA, with nothing saved up). What
has to wait for longer stays in its lane, uncharged, and no claim takes it before its time.
"""

from __future__ import annotations

import time
from datetime import timedelta

from engine.call_durations import BUDGET
from engine.pipeline import ask
from engine.registry import Kind

NEAR = 0.25  # seconds; what is free within that is claimed by a process that waits
AHEAD = timedelta(seconds=2 * BUDGET)  # that those who wait take it, with room to spare

waits = False  # whether this process sleeps until the moment comes, for as long as a run may last: workers do

_TAKE = """
    INSERT INTO engine_throttle AS throttle (name, free_at, rate)
    VALUES (%(name)s::text, clock_timestamp() + %(every)s::interval, '')
    ON CONFLICT (name) DO UPDATE SET free_at = %(every)s::interval + CASE
            WHEN throttle.free_at < clock_timestamp() + %(furthest)s::interval
            THEN greatest(throttle.free_at, clock_timestamp()) ELSE clock_timestamp() END
        WHERE throttle.free_at IS NULL OR throttle.free_at <= clock_timestamp() + %(within)s::interval
            OR throttle.free_at >= clock_timestamp() + %(furthest)s::interval
    RETURNING extract(epoch FROM free_at - %(every)s::interval - clock_timestamp())::float"""


def furthest(every: timedelta) -> timedelta:
    """How far ahead a free moment may be: further it is of a clock that was set back, or of a slower rate of before."""
    return every + AHEAD


def take(kind: Kind, every: timedelta, *, within: float) -> float | None:
    """Seconds until the moment that this call has now to itself; None: it is not free within so many, and not taken."""
    values = {
        "name": kind.throttle,
        "every": every,
        "within": timedelta(seconds=max(0.0, within) if waits else 0.0),
        "furthest": furthest(every),
    }
    found = ask(_TAKE, values).fetchone()
    return None if found is None else max(0.0, found[0])


def pause(seconds: float) -> None:
    time.sleep(seconds)
