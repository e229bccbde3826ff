"""A key keeps its effect from being scheduled twice, so a done row may go only if its key cannot come again:

follows a transition    the key names the transition, whose row stays
of a purgeable kind     the key holds a UUID that was made for it
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from engine.ids import first_id_at
from engine.models import ScheduledRun
from engine.registry import kinds
from engine.sql import statement

PURGED = "effects purged"  # the ScheduledRun that says up to when effects may be gone
ROWS_AT_ONCE = 1000  # rows of one statement, so that locks are held briefly
WINDOW = timedelta(days=1)
CLOCKS = timedelta(days=1)  # by which the clock of a worker may be off

_PURGE_SOME, _PURGED_UNTIL = statement("purge_some"), statement("purged_until")


def purge(before: datetime, *, seconds: float = float("inf")) -> int:
    """In small commits, for about `seconds`; the next call continues.

    Safe to run concurrently. Returns how many went.
    """
    ends, purged = time.monotonic() + seconds, 0
    for until in _windows(before):
        _mark(until)
        while deleted := _delete_some(until, before):
            purged += deleted
            if time.monotonic() > ends:
                return purged
    return purged


def _windows(before: datetime) -> Iterator[datetime]:
    """Begins with the previous call's last window, which may have been interrupted."""
    with connection.cursor() as cursor:
        cursor.execute(_PURGED_UNTIL, [PURGED])
        until: datetime | None = cursor.fetchone()[0]
    if until is None:
        return
    yield min(until, before)
    while until < before:
        until = min(until + WINDOW, before)
        yield until


def _mark(until: datetime) -> None:
    """Before the first deletion: invariants read it (`workflows.reporting.invariants`)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE engine_scheduledrun SET slot = greatest(slot, %(slot)s) WHERE schedule = %(schedule)s",
            {"slot": until, "schedule": PURGED},
        )
        if not cursor.rowcount:
            ScheduledRun.objects.create(schedule=PURGED, slot=until)


def _delete_some(until: datetime, before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _PURGE_SOME,
            {
                "first": first_id_at(until - WINDOW - CLOCKS),
                "last": first_id_at(until + CLOCKS),
                "until": until,
                "before": before,
                "purgeable": [kind.name for kind in kinds.values() if kind.purgeable],
                "at_once": ROWS_AT_ONCE,
            },
        )
        return int(cursor.rowcount)
