from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from engine import blocked, conf
from engine.call_durations import claim_limit
from engine.lease import LEASE, LENGTH, SLOW_LEASE
from engine.models import Effect
from engine.pipeline import ask, session_pid
from engine.raw_queries import CompiledQuery
from engine.registry import SLOW, Kind, kinds
from engine.sql import statement
from engine.stateful import NO_TENANT

MAX_TENANTS = 100
MAX_PER_TENANT = 25  # effects of one tenant in one claim
RECENT_WINDOW = timedelta(seconds=2)
FULL_SCAN_INTERVAL = 1.0  # seconds between claims of all that is due; those in between see RECENT_WINDOW only

EMPTY_SCAN_FACTOR = 10  # a full scan that found nothing is repeated after this many times its duration

_EFFECTS = CompiledQuery(Effect._base_manager.all())
_COLUMNS = ", ".join(f"effect.{field.column}" for field in Effect._meta.concrete_fields)


def _claiming(name: str) -> tuple[str, str]:
    """The statement as it is, and with a look at each row, for while a tenant is paused or some effects were let go."""
    values = {"columns": _COLUMNS, "lease_length": LENGTH, "max_per_tenant": MAX_PER_TENANT}
    stopped = statement("not_stopped")
    return statement(name, unless_stopped="", **values), statement(name, unless_stopped=stopped, **values)


_CLAIM_NAMED = _claiming("claim_named")
_CLAIM_SHARES = _claiming("claim_shares")
_CLAIM_RECENT = _claiming("claim_recent")
_CLAIM_ALONE = _claiming("claim_alone")

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
    return 1 if lane == SLOW else claim_limit(lane, limit)


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


def _claim(sql: tuple[str, str], executable: Sequence[Kind], *, prepare: bool = True, **values: Any) -> list[Any]:
    stopped = blocked.known()
    known = [(kind, revision) for kind in executable for revision in range(1, kind.revision + 1)]
    values |= {
        "kinds": [kind.name for kind, _ in known],
        "revisions": [revision for _, revision in known],
        "told_pid": session_pid(),
    }
    if stopped.is_by_row:
        values |= {"stopped": list(stopped.kinds), "held": list(stopped.tenants), "let_go": list(stopped.let_go)}
    rows: list[Any] = ask(sql[stopped.is_by_row], values, prepare=prepare).fetchall()
    return rows


def _claimed(rows: Iterable[Any]) -> list[Effect]:
    return sorted(_EFFECTS.objects(rows), key=lambda effect: effect.id)
