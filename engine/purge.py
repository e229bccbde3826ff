"""Deletes effects that were done long ago and cannot be scheduled again.

The key of an effect keeps it from being scheduled twice. So its row may be deleted only if the key cannot come again:
    follows a transition    the key names the transition, whose row stays
    of a purgeable kind     the key holds a UUID that was made for it
All others stay: the row of a timer is the only record of it. So do effects with events, such as failures.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from engine.ids import first_id_at
from engine.models import ScheduledRun
from engine.registry import kinds

PURGED = "effects purged"  # the ScheduledRun that says up to when effects of transitions may be deleted
AT_ONCE = 1000  # rows deleted by one statement, so that locks are held briefly
WINDOW = timedelta(days=1)  # of created_at, handled together
CLOCKS = timedelta(days=1)  # by which the clock of a worker that makes keys may be off

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
    """Delete what was created and done before that moment, if it may go; returns how many effects that were.

    In small commits, for about `seconds`; the next call continues. Concurrent calls are safe.
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
    """The ends of windows; begins with the last one of the previous call, which may have been interrupted."""
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
    """Before the first deletion, because invariants read it (`workflows.reporting.invariants`). Never moves back."""
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
