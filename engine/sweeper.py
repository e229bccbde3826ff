"""Finds effects that no worker was notified of. Any number of processes may sweep at once."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.transaction import atomic

from engine.alerts import raise_alert
from engine.claim import MAX_PER_TENANT
from engine.ids import uuid7
from engine.lease import LEASE, LENGTH
from engine.models import Effect, EffectEvent
from engine.registry import SLOW, kinds, slow_kinds
from engine.sql import statement

MISSED_NOTIFICATION_AFTER = timedelta(seconds=1)  # ready for longer: its notification is taken for lost
ROWS_AT_ONCE = 500  # rows
PROMOTE_SECONDS = 0.5  # that one sweep spends on promoting timers
ALONE_AT_ONCE = 25  # effects that one sweep returns
SWEEP_INTERVAL = timedelta(seconds=1)
MAX_CRASHES = 3
WORKER_DIED = "its worker died"

_LEASES = {"lease_length": LENGTH, "lease": f"{LEASE.total_seconds():.0f} s"}
_PROBE = statement("probe", **_LEASES)
_RELEASE_EXPIRED = statement("release_expired", **_LEASES)
_RELEASE_LOST_CALLS = statement("release_lost_calls", **_LEASES)
_PROMOTE_DUE = statement("promote_due")
_PROMOTE_DUE_SHARES = statement("promote_due_shares", max_per_tenant=MAX_PER_TENANT)
_MISSED_NOTIFICATIONS = statement("missed_notifications")
_MOVE_TO_THEIR_LANE, _MOVE_TO_SLOW_LANE = statement("move_to_their_lane"), statement("move_to_slow_lane")
_TAKE_TURN = statement("take_sweep_turn")


def sweep_in_turn() -> list[list[UUID]]:
    """Unless some process swept within the last second."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN, {"every": str(SWEEP_INTERVAL)})
        is_our_turn = cursor.rowcount > 0
    return sweep() if is_our_turn else []


def sweep() -> list[list[UUID]]:
    """Release expired leases, promote due timers, and return ids of effects: each list is one notification."""
    ready: list[tuple[UUID, bool]] = []
    with connection.cursor() as cursor:
        cursor.execute(_PROBE, {"unheard": str(MISSED_NOTIFICATION_AFTER)})
        some_lost, some_due, some_unheard, some_lost_calls = cursor.fetchone()
        if some_lost:
            with atomic():
                cursor.execute(_RELEASE_EXPIRED, {"crashes": MAX_CRASHES, "gone": WORKER_DIED, "at_once": ROWS_AT_ONCE})
                _record_crashes(cursor.fetchall())
        if some_lost_calls:
            with atomic():
                cursor.execute(_RELEASE_LOST_CALLS, {"gone": WORKER_DIED, "at_once": ROWS_AT_ONCE})
                _record_crashes(cursor.fetchall())
        if some_due:
            ready += _promote_due(cursor)
        if some_unheard:
            _move_to_their_lane(cursor)
        if some_lost or some_unheard:
            cursor.execute(
                _MISSED_NOTIFICATIONS,
                {"unheard": str(MISSED_NOTIFICATION_AFTER), "at_once": ROWS_AT_ONCE, "alone_at_once": ALONE_AT_ONCE},
            )
            ready += cursor.fetchall()
    alone = {key for key, solo in ready if solo}
    together = {key for key, solo in ready if not solo}
    return [[key] for key in sorted(alone)] + ([sorted(together)] if together else [])


def _promote_due(cursor: CursorWrapper) -> list[tuple[UUID, bool]]:
    def wake(sql: str) -> list[tuple[UUID, bool]]:
        cursor.execute(sql, {"at_once": ROWS_AT_ONCE})
        found: list[tuple[UUID, bool]] = cursor.fetchall()
        return found

    ends = time.monotonic() + PROMOTE_SECONDS
    woken = wake(_PROMOTE_DUE)
    if len(woken) == ROWS_AT_ONCE:
        woken += wake(_PROMOTE_DUE_SHARES)
        while time.monotonic() < ends and (more := wake(_PROMOTE_DUE)):
            woken += more
    return woken


def _move_to_their_lane(cursor: CursorWrapper) -> None:
    lanes = [kind.lane for kind in kinds.values()]
    cursor.execute(_MOVE_TO_THEIR_LANE, {"kinds": list(kinds), "lanes": lanes, "at_once": ROWS_AT_ONCE})
    if slow := [kind.name for kind in slow_kinds()]:
        cursor.execute(_MOVE_TO_SLOW_LANE, {"slow": SLOW, "kinds": slow, "at_once": ROWS_AT_ONCE})


def _record_crashes(taken_back: list[tuple[UUID, str, str, int]]) -> None:
    crashed, uncertain = EffectEvent.What.CRASHED, EffectEvent.What.UNCERTAIN
    EffectEvent.objects.bulk_create(
        EffectEvent(
            id=uuid7(),
            effect_id=key,
            fence=fence,
            what=uncertain if state == "uncertain" else crashed,
            detail=WORKER_DIED,
        )
        for key, _, state, fence in taken_back
    )
    for kind in {kind for _, kind, state, _ in taken_back if state in Effect.NEEDS_ATTENTION}:
        raise_alert(kind)
