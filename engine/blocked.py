"""Read once a second by each process, so that claims cost nothing more while nothing is paused."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from engine import throttles
from engine.pipeline import ask
from engine.registry import Kind, kinds, rates
from engine.sql import statement

KNOWN_FOR = 1.0  # seconds

_READ = statement("read_stops")


@dataclass(frozen=True)
class Stops:
    """let_go: ids of effects.

    free_at: by throttle, in time.monotonic(). every: the time between calls that operators set.
    """

    kinds: frozenset[str] = frozenset()
    tenants: frozenset[UUID] = frozenset()
    let_go: frozenset[UUID] = frozenset()
    free_at: dict[str, float] = field(default_factory=dict)
    every: dict[str, timedelta] = field(default_factory=dict)

    @property
    def is_by_row(self) -> bool:
        return bool(self.tenants or self.let_go)

    def closed(self) -> frozenset[str]:
        """Kinds that a rate holds back for longer than this process would wait."""
        near = time.monotonic() + (throttles.NEAR if throttles.sleeps_until_free else 0.0)
        closed = {name for name, moment in self.free_at.items() if moment > near}
        return frozenset(kind.name for kind in kinds.values() if kind.throttle in closed) if closed else frozenset()

    def time_between_calls(self, kind: Kind) -> timedelta | None:
        return (self.every.get(kind.throttle) or rates[kind.throttle]) if kind.throttle else None


_known: Stops | None = None
_until = 0.0


def known() -> Stops:
    global _known, _until
    if _known is None or time.monotonic() > _until:
        _known, _until = _read(), time.monotonic() + KNOWN_FOR
    return _known


def invalidate() -> None:
    global _known
    _known = None


def _read() -> Stops:
    asked = time.monotonic()
    paused: dict[str, set[str]] = defaultdict(set)
    let_go, free_at, every = set[UUID](), dict[str, float](), dict[str, timedelta]()
    for scope, name, ahead, between, keys in ask(_READ).fetchall():
        paused[scope].add(name)
        let_go.update(keys)
        if between is not None:
            every[name] = between
        limit = between or rates.get(name)
        if limit and ahead is not None and timedelta(seconds=ahead) < throttles.furthest(limit):
            free_at[name] = asked + ahead
    stopped = {
        kind.name
        for kind in kinds.values()
        if "all" in paused
        or ("outward" in paused and kind.external)
        or kind.lane in paused["lane"]
        or kind.name in paused["kind"]
    }
    return Stops(frozenset(stopped), frozenset(map(UUID, paused["tenant"])), frozenset(let_go), free_at, every)
