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

MISSED_NOTIFICATION_AFTER = timedelta(seconds=1)  # ready for longer: its notification is taken for lost
AT_ONCE = 500  # rows
PROMOTE_SECONDS = 0.5  # that one sweep spends on promoting timers
ALONE_AT_ONCE = 25  # effects that one sweep returns
EVERY = timedelta(seconds=1)
MAX_CRASHES = 3
WORKER_DIED = "its worker died"

# A holder has died when its lease is over, or when the database session that took the lease has ended: a session that
# we may see (the start of another role's is hidden) and that a lease names (a pooler's is not named). A lease that
# begins in the future was taken before the clock was set back, so its end means nothing. An effect that ran alone is
# charged with a crash, unless the database went down and ended all sessions.
CHARGED = f"(solo AND (lease_until < now() OR pg_postmaster_start_time() < lease_until - {LENGTH}))"
HOLDER_DIED = f"""
    (lease_until < now() OR lease_until - {LENGTH} > now() + interval '{LEASE.total_seconds():.0f} s'
        OR lease_pid IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_stat_activity AS session
        WHERE session.pid = effect.lease_pid
            AND coalesce(session.backend_start < effect.lease_until - {LENGTH}, true)))"""
EXPIRED_LEASE = f"state = 'leased' AND {HOLDER_DIED}"
# A non-idempotent call under way; `lease_until` is NULL once it has ended.
LOST_CALL = f"state = 'uncertain' AND {HOLDER_DIED} AND lease_until IS NOT NULL"
# Due for longer than a notification takes; or due in the future, because the clock was set back.
MISSED_NOTIFICATION = "run_at NOT BETWEEN now() - %(unheard)s::interval AND now() + %(unheard)s::interval"
# Most sweeps find nothing, so this one statement is all that an idle installation executes each second. Ordered like
# the partial indexes, so that the planner uses them.
_PROBE = f"""
    SELECT (SELECT true FROM engine_effect AS effect WHERE {EXPIRED_LEASE} ORDER BY lease_until LIMIT 1),
        (SELECT true FROM engine_effect WHERE state = 'waiting' AND run_at <= now() ORDER BY run_at LIMIT 1),
        (SELECT true FROM engine_effect WHERE state = 'ready' AND (solo OR {MISSED_NOTIFICATION})
         ORDER BY lane, account_id, id LIMIT 1),
        (SELECT true FROM engine_effect AS effect WHERE {LOST_CALL} LIMIT 1)"""
_RELEASE_EXPIRED = f"""
    WITH lost AS (
        SELECT id FROM engine_effect AS effect
        WHERE {EXPIRED_LEASE}
        ORDER BY lease_until LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
    )
    UPDATE engine_effect AS effect
    SET state = CASE WHEN {CHARGED} AND crashes + 1 >= %(crashes)s THEN 'dead' ELSE 'ready' END,
        crashes = crashes + {CHARGED}::int, solo = true, lease_until = NULL, last_error = %(gone)s, cause = %(gone)s
    FROM lost WHERE effect.id = lost.id RETURNING effect.id, effect.kind, effect.state, effect.fence"""
_RELEASE_LOST_CALLS = f"""
    WITH lost AS (SELECT id FROM engine_effect AS effect WHERE {LOST_CALL} LIMIT %(at_once)s FOR UPDATE SKIP LOCKED)
    UPDATE engine_effect AS effect SET lease_until = NULL, last_error = %(gone)s, cause = %(gone)s
    FROM lost WHERE effect.id = lost.id RETURNING effect.id, effect.kind, effect.state, effect.fence"""
_PROMOTE_DUE = """
    WITH due AS (
        SELECT id FROM engine_effect WHERE state = 'waiting' AND run_at <= now()
        ORDER BY run_at LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
    )
    UPDATE engine_effect AS effect SET state = 'ready' FROM due WHERE effect.id = due.id
    RETURNING effect.id, solo"""
_MISSED_NOTIFICATIONS = f"""
    (SELECT id, solo FROM engine_effect WHERE state = 'ready' AND solo ORDER BY id LIMIT %(alone_at_once)s)
    UNION ALL
    (SELECT id, false FROM engine_effect
     WHERE state = 'ready' AND NOT solo AND {MISSED_NOTIFICATION} LIMIT %(at_once)s)"""
# A share of every tenant's, where more timers are due than one statement promotes.
_PROMOTE_DUE_SHARES = f"""
    WITH RECURSIVE tenant(account_id) AS (
        (SELECT account_id FROM engine_effect WHERE state = 'waiting' ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (SELECT next.account_id FROM engine_effect AS next
                WHERE next.state = 'waiting' AND next.account_id > tenant.account_id
                ORDER BY next.account_id LIMIT 1)
        FROM tenant WHERE tenant.account_id IS NOT NULL
    ),
    due AS (
        SELECT share.id FROM tenant, LATERAL (
            SELECT id FROM engine_effect AS effect
            WHERE state = 'waiting' AND effect.account_id = tenant.account_id AND run_at <= now()
            ORDER BY run_at LIMIT {MAX_PER_TENANT} FOR UPDATE SKIP LOCKED
        ) AS share
    )
    UPDATE engine_effect AS effect SET state = 'ready' FROM due WHERE effect.id = due.id
    RETURNING effect.id, solo"""
# Effects in lanes that no known kind has any more, scheduled before a release gave their kind another lane.
_MOVE_TO_THEIR_LANE = """
    WITH RECURSIVE lane(name) AS (
        (SELECT lane FROM engine_effect WHERE state = 'ready' ORDER BY lane LIMIT 1)
        UNION ALL
        SELECT (SELECT next.lane FROM engine_effect AS next
                WHERE next.state = 'ready' AND next.lane > lane.name ORDER BY next.lane LIMIT 1)
        FROM lane WHERE lane.name IS NOT NULL
    ),
    stranded AS (
        SELECT effect.id, known.lane
        FROM (SELECT name FROM lane WHERE name <> ALL(%(lanes)s::text[])) AS former
        JOIN engine_effect AS effect ON effect.lane = former.name AND effect.state = 'ready'
        JOIN unnest(%(kinds)s::text[], %(lanes)s::text[]) AS known(kind, lane) ON known.kind = effect.kind
        LIMIT %(at_once)s FOR UPDATE OF effect SKIP LOCKED
    )
    UPDATE engine_effect AS effect SET lane = stranded.lane FROM stranded WHERE effect.id = stranded.id"""

# Effects of kinds that a release made slow: no worker of their old lane may execute them.
_MOVE_TO_THE_SLOW = """
    UPDATE engine_effect SET lane = %(slow)s WHERE id IN (
        SELECT id FROM engine_effect WHERE state = 'ready' AND kind = ANY(%(kinds)s::text[]) AND lane <> %(slow)s
        LIMIT %(at_once)s FOR UPDATE SKIP LOCKED)"""


# One row: the process that updates it sweeps. A clock that was set back must not stop sweeping until it catches up.
_TAKE_TURN = """
    INSERT INTO engine_scheduledrun AS tick (id, schedule, slot) VALUES (0, 'swept', now())
    ON CONFLICT (id) DO UPDATE SET slot = now()
    WHERE tick.slot <= now() - %(every)s::interval OR tick.slot > now() + %(every)s::interval"""


def sweep_in_turn() -> list[list[UUID]]:
    """Unless some process swept within the last second."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN, {"every": str(EVERY)})
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
                cursor.execute(_RELEASE_EXPIRED, {"crashes": MAX_CRASHES, "gone": WORKER_DIED, "at_once": AT_ONCE})
                _record_crashes(cursor.fetchall())
        if some_lost_calls:
            with atomic():
                cursor.execute(_RELEASE_LOST_CALLS, {"gone": WORKER_DIED, "at_once": AT_ONCE})
                _record_crashes(cursor.fetchall())
        if some_due:
            ready += _promote_due(cursor)
        if some_unheard:
            _move_to_their_lane(cursor)
        if some_lost or some_unheard:
            cursor.execute(
                _MISSED_NOTIFICATIONS,
                {"unheard": str(MISSED_NOTIFICATION_AFTER), "at_once": AT_ONCE, "alone_at_once": ALONE_AT_ONCE},
            )
            ready += cursor.fetchall()
    alone = {key for key, solo in ready if solo}
    together = {key for key, solo in ready if not solo}
    return [[key] for key in sorted(alone)] + ([sorted(together)] if together else [])


def _promote_due(cursor: CursorWrapper) -> list[tuple[UUID, bool]]:
    def wake(sql: str) -> list[tuple[UUID, bool]]:
        cursor.execute(sql, {"at_once": AT_ONCE})
        found: list[tuple[UUID, bool]] = cursor.fetchall()
        return found

    ends = time.monotonic() + PROMOTE_SECONDS
    woken = wake(_PROMOTE_DUE)
    if len(woken) == AT_ONCE:
        woken += wake(_PROMOTE_DUE_SHARES)
        while time.monotonic() < ends and (more := wake(_PROMOTE_DUE)):
            woken += more
    return woken


def _move_to_their_lane(cursor: CursorWrapper) -> None:
    lanes = [kind.lane for kind in kinds.values()]
    cursor.execute(_MOVE_TO_THEIR_LANE, {"kinds": list(kinds), "lanes": lanes, "at_once": AT_ONCE})
    if slow := [kind.name for kind in slow_kinds()]:
        cursor.execute(_MOVE_TO_THE_SLOW, {"slow": SLOW, "kinds": slow, "at_once": AT_ONCE})


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
