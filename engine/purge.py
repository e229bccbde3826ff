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

PURGED = "effects purged"  # the ScheduledRun that says up to when effects may be gone
AT_ONCE = 1000  # rows of one statement, so that locks are held briefly
WINDOW = timedelta(days=1)
CLOCKS = timedelta(days=1)  # by which the clock of a worker may be off

_DELETE_SOME = """
    WITH gone AS (
        SELECT effect.id FROM engine_effect AS effect
        LEFT JOIN engine_transition AS fact ON fact.id = effect.transition_id
        WHERE effect.id >= %(first)s AND effect.id < %(last)s AND effect.state = 'done'
            AND effect.created_at < %(until)s AND effect.done_at < %(before)s
            AND (fact.id IS NULL OR fact.at < %(until)s)
            AND (effect.key = concat_ws(':', fact.machine, fact.object_id, fact.seq, effect.kind)
                OR effect.kind = ANY(%(purgeable)s))
            AND NOT EXISTS (SELECT FROM engine_effectevent WHERE effect_id = effect.id)
            AND (effect.batch_id IS NULL
                OR EXISTS (SELECT FROM engine_batch WHERE id = effect.batch_id AND completed_at IS NOT NULL))
            AND NOT EXISTS (SELECT FROM engine_batch WHERE then_id = effect.id)
        LIMIT %(at_once)s FOR UPDATE OF effect SKIP LOCKED)
    DELETE FROM engine_effect USING gone WHERE engine_effect.id = gone.id"""


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
        cursor.execute(
            """SELECT coalesce((SELECT max(slot) FROM engine_scheduledrun WHERE schedule = %s),
                   (SELECT created_at + interval '1 day' FROM engine_effect ORDER BY id LIMIT 1))""",
            [PURGED],
        )
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
            _DELETE_SOME,
            {
                "first": first_id_at(until - WINDOW - CLOCKS),
                "last": first_id_at(until + CLOCKS),
                "until": until,
                "before": before,
                "purgeable": [kind.name for kind in kinds.values() if kind.purgeable],
                "at_once": AT_ONCE,
            },
        )
        return int(cursor.rowcount)
