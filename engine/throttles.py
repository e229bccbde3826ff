"""Rate limits of external calls, shared by all processes: a row says when the far side may be called again.

A call takes the next free moment and moves the one after it (GCRA without bursts). Effects that have to wait longer
stay in their lane, uncharged, and are not claimed before their time.
"""

from __future__ import annotations

import time
from datetime import timedelta

from engine.call_durations import BUDGET
from engine.pipeline import ask
from engine.registry import Kind

NEAR = 0.25  # seconds: a process that waits claims effects whose moment is within that
AHEAD = timedelta(seconds=2 * BUDGET)  # how far ahead waiting processes take moments, with room to spare

waits = False  # whether this process sleeps until its moment, within a run: workers do

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
    """How far ahead a free moment may be. One further ahead is of a clock set back, or of an older rate."""
    return every + AHEAD


def take(kind: Kind, every: timedelta, *, within: float) -> float | None:
    """Take the next moment; returns the seconds until then, or None if it is not within `within` seconds."""
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
