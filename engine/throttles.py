"""Rate limits of external calls, shared by all processes: a call takes the next free moment (GCRA without bursts)."""

from __future__ import annotations

import time
from datetime import timedelta

from engine.call_durations import BUDGET
from engine.pipeline import ask
from engine.registry import Kind
from engine.sql import statement

NEAR = 0.25  # seconds: effects whose moment is so near are claimed
AHEAD = timedelta(seconds=2 * BUDGET)  # how far ahead moments are taken, with room to spare

sleeps_until_free = False  # whether this process sleeps until its moment

_TAKE = statement("take_moment")


def furthest(every: timedelta) -> timedelta:
    """A moment further ahead is of a clock set back, or of an older rate."""
    return every + AHEAD


def take(kind: Kind, every: timedelta, *, within: float) -> float | None:
    """Seconds until the moment, or None if it is not within `within` seconds."""
    values = {
        "name": kind.throttle,
        "every": every,
        "within": timedelta(seconds=max(0.0, within) if sleeps_until_free else 0.0),
        "furthest": furthest(every),
    }
    found = ask(_TAKE, values).fetchone()
    return None if found is None else max(0.0, found[0])


def sleep(seconds: float) -> None:
    time.sleep(seconds)
