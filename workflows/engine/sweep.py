"""Find what nobody rang for. Any number of processes may sweep at once: none is the leader."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.transaction import atomic

from core.ids import uuid7
from core.models.history import EffectEvent
from workflows.engine.alert import raise_alert
from workflows.engine.lease import LEASE

UNHEARD = timedelta(seconds=1)  # ready for longer than this: its ring is taken for lost
AT_ONCE = 500  # rows that one sweep moves or counts
MAX_CRASHES = 3
GONE = "its worker died"

# A holder is gone when its lease is over, or when the database session that took the lease is: one that we may see
# (another role's start is hidden), and not a pooler's, which a lease does not name. Who was alone and is gone is
# charged with it, unless it is the database that went down and took all sessions with it.
CHARGED = "(solo AND (lease_until < now() OR pg_postmaster_start_time() < lease_until - %(lease)s::interval))"
LOST = """
    state = 'leased' AND (lease_until < now() OR lease_pid IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_stat_activity AS session
        WHERE session.pid = effect.lease_pid
            AND coalesce(session.backend_start < effect.lease_until - %(lease)s::interval, true)))"""
# Most sweeps find nothing, so this one statement is all that an idle house asks each second. Ordered as their partial
# indexes are, so that no other path is worth taking.
_LOOK = f"""
    SELECT (SELECT true FROM core_effect AS effect WHERE {LOST} ORDER BY lease_until LIMIT 1),
        (SELECT true FROM core_effect WHERE state = 'waiting' AND run_at <= now() ORDER BY run_at LIMIT 1),
        (SELECT true FROM core_effect WHERE state = 'ready' AND (solo OR run_at < now() - %(unheard)s::interval)
         ORDER BY lane, account_id, id LIMIT 1)"""
_TAKE_BACK = f"""
    WITH lost AS (
        SELECT id FROM core_effect AS effect
        WHERE {LOST}
        ORDER BY lease_until LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
    )
    UPDATE core_effect AS effect
    SET state = CASE WHEN {CHARGED} AND crashes + 1 >= %(crashes)s THEN 'dead' ELSE 'ready' END,
        crashes = crashes + {CHARGED}::int, solo = true, lease_until = NULL, last_error = %(gone)s
    FROM lost WHERE effect.id = lost.id RETURNING effect.id, effect.kind, effect.state, effect.fence"""
_WAKE = """
    WITH due AS (
        SELECT id FROM core_effect WHERE state = 'waiting' AND run_at <= now()
        ORDER BY run_at LIMIT %(at_once)s FOR UPDATE SKIP LOCKED
    )
    UPDATE core_effect AS effect SET state = 'ready' FROM due WHERE effect.id = due.id
    RETURNING effect.id, solo"""
_UNHEARD = """
    SELECT id, solo FROM core_effect WHERE state = 'ready' AND solo
    UNION ALL
    (SELECT id, false FROM core_effect
     WHERE state = 'ready' AND NOT solo AND run_at < now() - %(unheard)s::interval LIMIT %(at_once)s)"""


def sweep() -> list[list[UUID]]:
    """Take back what the dead held, wake what is due, and return whom to ring for.

    Each list is one ring; one that must run alone is rung for alone, and nothing heard of is rung for again.
    """
    ready: list[tuple[UUID, bool]] = []
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"lease": str(LEASE), "unheard": str(UNHEARD)})
        some_lost, some_due, some_unheard = cursor.fetchone()
        if some_lost:
            with atomic():
                cursor.execute(
                    _TAKE_BACK, {"lease": str(LEASE), "crashes": MAX_CRASHES, "gone": GONE, "at_once": AT_ONCE}
                )
                _tell(cursor.fetchall())
        if some_due:
            cursor.execute(_WAKE, {"at_once": AT_ONCE})
            ready += cursor.fetchall()
        if some_lost or some_unheard:
            cursor.execute(_UNHEARD, {"unheard": str(UNHEARD), "at_once": AT_ONCE})
            ready += cursor.fetchall()
    alone = {key for key, solo in ready if solo}
    together = {key for key, solo in ready if not solo}
    return [[key] for key in sorted(alone)] + ([sorted(together)] if together else [])


def _tell(taken_back: list[tuple[UUID, str, str, int]]) -> None:
    EffectEvent.objects.bulk_create(
        EffectEvent(id=uuid7(), effect_id=key, fence=fence, what=EffectEvent.What.CRASHED, detail=GONE)
        for key, _, _, fence in taken_back
    )
    for kind in {kind for _, kind, state, _ in taken_back if state == "dead"}:
        raise_alert(kind)
