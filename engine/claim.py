from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from engine import blocked, conf
from engine.call_durations import fits
from engine.lease import LEASE, LENGTH, SLOW_LEASE
from engine.models import Effect
from engine.pipeline import ask, session_pid
from engine.raw_queries import CompiledQuery
from engine.registry import SLOW, Kind, kinds
from engine.stateful import NO_TENANT

MAX_TENANTS = 100
MAX_PER_TENANT = 25  # effects of one tenant in one claim
RECENT_WINDOW = timedelta(seconds=2)
FULL_SCAN_INTERVAL = 1.0  # seconds between claims of all that is due; those in between see RECENT_WINDOW only

EMPTY_SCAN_FACTOR = 10  # a full scan that found nothing is repeated after this many times its duration

# A row that this process may claim: of a kind and revision it knows, and in its order. IS TRUE lets the server look
# these up in a hash without a join: there may be very many of an unknown kind, and each claim steps over them.
_CLAIMABLE = """
    effect.state = 'ready'
    AND ((effect.kind, effect.revision) IN (SELECT * FROM unnest(%(kinds)s::text[], %(revisions)s::smallint[]))) IS TRUE
    AND NOT (effect.ordered AND EXISTS (
        SELECT FROM engine_effect AS earlier
        WHERE earlier.ordered AND earlier.object_id = effect.object_id AND earlier.machine = effect.machine
            AND earlier.seq < effect.seq AND earlier.state NOT IN ('done', 'skipped')))"""
# Used if a tenant is paused or some effects were let go. CASE, because the planner would take most rows for paused.
_NOT_STOPPED = """
    AND CASE WHEN effect.id = ANY(%(let_go)s::uuid[]) THEN true
        ELSE NOT (effect.kind = ANY(%(stopped)s::text[]) OR effect.account_id = ANY(%(held)s::uuid[])) END"""
_EFFECTS = CompiledQuery(Effect._base_manager.all())
_COLUMNS = ", ".join(f"effect.{field.column}" for field in Effect._meta.concrete_fields)
_LEASE = f"""
    UPDATE engine_effect AS effect
    SET state = 'leased', fence = fence + 1, lease_until = now() + {LENGTH},
        lease_pid = CASE pg_backend_pid() WHEN %(told_pid)s::int THEN %(told_pid)s::int END
    FROM taken WHERE effect.id = taken.id RETURNING {_COLUMNS}"""

# Those named by a notification. One that must run alone is claimed only if it was named alone.
_CLAIM_NAMED = f"""
    WITH taken AS (
        SELECT id FROM engine_effect AS effect
        WHERE id = ANY(%(ids)s::uuid[]) AND {_CLAIMABLE} AND (NOT solo OR %(alone)s::bool)
            AND (%(lanes)s::text[] IS NULL OR lane = ANY(%(lanes)s::text[]))
        ORDER BY id FOR UPDATE SKIP LOCKED
    ) {_LEASE}"""

# A share for each of the next tenants with ready effects. A walk along the index finds them, one step for each, however
# many effects they have. Returns how many were served, and the last of them, even where no row was free.
_CLAIM_SHARES = f"""
    WITH RECURSIVE tenant(account_id) AS (
        (SELECT account_id FROM engine_effect
         WHERE state = 'ready' AND lane = %(lane)s::text AND account_id >= %(first)s::uuid
         ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (SELECT next.account_id FROM engine_effect AS next
                WHERE next.state = 'ready' AND next.lane = %(lane)s::text AND next.account_id > tenant.account_id
                ORDER BY next.account_id LIMIT 1)
        FROM tenant WHERE tenant.account_id IS NOT NULL
    ),
    served AS (SELECT account_id FROM tenant WHERE account_id IS NOT NULL LIMIT %(tenants)s::int),
    taken AS (
        SELECT share.id FROM served, LATERAL (
            SELECT id FROM engine_effect AS effect
            WHERE lane = %(lane)s::text AND effect.account_id = served.account_id AND NOT solo AND {_CLAIMABLE}
            ORDER BY id LIMIT least({MAX_PER_TENANT}, greatest(1, %(limit)s::int / (SELECT count(*) FROM served)))
            FOR UPDATE SKIP LOCKED
        ) AS share
    ),
    effect AS ({_LEASE})
    SELECT {_COLUMNS}, (SELECT count(*) FROM served), (SELECT account_id FROM served ORDER BY account_id DESC LIMIT 1)
    FROM (SELECT) AS always LEFT JOIN effect ON true"""

# What became due lately, if that is no more than `limit`: then all tenants are served without shares.
# While a long transaction keeps dead rows, the walk above steps over all of them, this over those of two seconds.
_CLAIM_RECENT = f"""
    WITH lately AS (
        SELECT FROM engine_effect
        WHERE state = 'ready' AND fence >= 0 AND lane = ANY(%(lanes)s::text[]) AND run_at > now() - %(lately)s::interval
        LIMIT %(limit)s::int + 1
    ),
    taken AS (
        SELECT id FROM engine_effect AS effect
        WHERE fence >= 0 AND lane = ANY(%(lanes)s::text[]) AND run_at > now() - %(lately)s::interval
            AND NOT solo AND {_CLAIMABLE} AND (SELECT count(*) FROM lately) <= %(limit)s::int
        FOR UPDATE SKIP LOCKED
    ),
    effect AS ({_LEASE})
    SELECT {_COLUMNS}, (SELECT count(*) FROM lately) FROM (SELECT) AS always LEFT JOIN effect ON true"""

# One that must run alone: if it kills its process, no other lease is lost.
_CLAIM_ALONE = f"""
    WITH taken AS (
        SELECT id FROM engine_effect AS effect WHERE lane = ANY(%(lanes)s::text[]) AND solo AND {_CLAIMABLE}
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) {_LEASE}"""

_serve_next: dict[str, UUID] = {}  # per lane, the tenant at which the next claim continues
# Per lanes, when a full scan last found nothing old, by time.monotonic().
_seen_all: dict[tuple[str, ...], float] = {}


def claim_named(ids: Sequence[UUID], lanes: Sequence[str] = (), *, external: bool = True) -> list[Effect]:
    named: dict[str, Any] = {"ids": list(ids), "alone": len(ids) == 1, "lanes": list(lanes) or None}
    return _claimed(_claim(_CLAIM_NAMED, _executable(lanes, external), **named))


def claim_alone(lanes: Sequence[str], *, external: bool = True) -> list[Effect]:
    return _claimed(_claim(_CLAIM_ALONE, _executable(lanes, external), lanes=_executable_lanes(lanes, external)))


def claim_fair_share(lane: str, limit: int, *, external: bool = True) -> list[Effect]:
    """About `limit` effects, fewer if calls of this lane take long lately."""
    if not _executable_lanes([lane], external):
        return []
    limit = _what_fits(lane, limit)
    rounds = 2 if lane in _serve_next else 1
    while rounds:
        if effects := _claim_shares(lane, limit, external):
            return effects
        if lane not in _serve_next:
            rounds -= 1
    return []


def claim_recent(lanes: Sequence[str], limit: int, *, external: bool = True) -> list[Effect]:
    """Mostly what became due within RECENT_WINDOW; older effects once in FULL_SCAN_INTERVAL."""
    lanes = _executable_lanes(lanes, external)
    some_are_slow = any(_what_fits(lane, limit) < limit for lane in lanes)
    if not some_are_slow and time.monotonic() < _seen_all.get(tuple(lanes), 0) + FULL_SCAN_INTERVAL:
        rows = _claim(_CLAIM_RECENT, _executable(lanes, external), lanes=lanes, limit=limit, lately=RECENT_WINDOW)
        if rows[0][-1] <= limit:
            return _claimed(row[:-1] for row in rows if row[0] is not None)
        return _claim_each(lanes, limit, external)
    started, from_the_beginning = time.monotonic(), _serve_next.keys().isdisjoint(lanes)
    effects = _claim_each(lanes, limit, external)
    to_the_end = _serve_next.keys().isdisjoint(lanes)
    if from_the_beginning and to_the_end and not any(_will_be_old(effect) for effect in effects):
        # With very many paused effects a full scan is slow and finds nothing.
        took = time.monotonic() - started
        pause = max(0.0, EMPTY_SCAN_FACTOR * took - FULL_SCAN_INTERVAL)
        _seen_all[tuple(lanes)] = started if effects else started + pause
    return effects


def _claim_each(lanes: Sequence[str], limit: int, external: bool) -> list[Effect]:
    return [effect for lane in lanes for effect in claim_fair_share(lane, limit, external=external)]


def _will_be_old(effect: Effect) -> bool:
    assert effect.lease_until is not None
    now = effect.lease_until - (SLOW_LEASE if effect.lane == SLOW else LEASE)
    return effect.run_at < now - RECENT_WINDOW + timedelta(seconds=FULL_SCAN_INTERVAL)


def _what_fits(lane: str, limit: int) -> int:
    # Others that are claimed with a slow effect would wait.
    return 1 if lane == SLOW else fits(lane, limit)


def _claim_shares(lane: str, limit: int, external: bool) -> list[Effect]:
    tenants = min(MAX_TENANTS, limit)
    # Planned each time: a plan made while nothing was ready would read a whole flood until the next ANALYZE.
    first = _serve_next.pop(lane, NO_TENANT)
    executable = _executable([lane], external)
    rows = _claim(_CLAIM_SHARES, executable, prepare=False, lane=lane, first=first, tenants=tenants, limit=limit)
    *_, served, last = rows[0]
    if served == tenants:
        _serve_next[lane] = UUID(int=last.int + 1)
    return _claimed(row[:-2] for row in rows if row[0] is not None)


def _executable(lanes: Sequence[str], external: bool) -> list[Kind]:
    external = external and not conf.PAUSE_EXTERNAL_EFFECTS
    slow = not lanes or SLOW in lanes
    stopped = blocked.known()
    passed_by = stopped.closed() if stopped.let_go else stopped.closed() | stopped.kinds
    return [
        kind
        for kind in kinds.values()
        if (external or not kind.external) and (slow or kind.lane != SLOW) and kind.name not in passed_by
    ]


def _executable_lanes(lanes: Sequence[str], external: bool) -> list[str]:
    known = {kind.lane for kind in _executable(lanes, external)}
    return [lane for lane in lanes if lane in known]


def _claim(sql: str, executable: Sequence[Kind], *, prepare: bool = True, **values: Any) -> list[Any]:
    stopped = blocked.known()
    known = [(kind, revision) for kind in executable for revision in range(1, kind.revision + 1)]
    values |= {
        "kinds": [kind.name for kind, _ in known],
        "revisions": [revision for _, revision in known],
        "told_pid": session_pid(),
    }
    if stopped.is_by_row:
        sql = sql.replace(_CLAIMABLE, _CLAIMABLE + _NOT_STOPPED)
        values |= {"stopped": list(stopped.kinds), "held": list(stopped.tenants), "let_go": list(stopped.let_go)}
    rows: list[Any] = ask(sql, values, prepare=prepare).fetchall()
    return rows


def _claimed(rows: Iterable[Any]) -> list[Effect]:
    return sorted(_EFFECTS.objects(rows), key=lambda effect: effect.id)
