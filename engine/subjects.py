from __future__ import annotations

import time
from collections import defaultdict
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import prefetch_related_objects

from engine import lease
from engine.errors import LeaseLost, UnknownMachine
from engine.models import Effect
from engine.pipeline import pipeline
from engine.raw_queries import CompiledQuery
from engine.registry import Kind, subject_model
from engine.stateful import Stateful

READ_AT_ONCE = 25  # objects
FRESH = 1.0  # seconds between reading an object and the call


class ReadAhead:
    """Several objects are read at a time, each at most FRESH seconds before its call."""

    def __init__(self, kind: Kind, effects: list[Effect]) -> None:
        self._kind, self._left = kind, list(effects)
        self._ahead: list[Effect] = []
        self._found: dict[UUID, Stateful | None] = {}
        self._stale_at = 0.0

    def subject(self, effect: Effect) -> Stateful | None:
        """Raises LeaseLost if another process has the effect."""
        if effect not in self._ahead or time.monotonic() > self._stale_at:
            self._left = self._left[self._left.index(effect) :]
            self._ahead = self._left[:READ_AT_ONCE]
            try:
                self._found = _by_effect(self._kind, self._ahead)
            except UnknownMachine:  # one of them, which fails alone
                self._ahead = [effect]
                self._found = _by_effect(self._kind, self._ahead)
            self._stale_at = time.monotonic() + FRESH
        if effect.id not in self._found:
            raise LeaseLost
        return self._found[effect.id]


def _by_effect(kind: Kind, effects: list[Effect]) -> dict[UUID, Stateful | None]:
    subjects = Subjects(kind, effects)
    with pipeline():
        still_held = lease.find_leased(effects)
        subjects.send()
    ours = still_held()
    found = zip(effects, subjects.in_order(), strict=True)
    return {effect.id: subject for effect, subject in found if effect.id in ours}


class Subjects:
    def __init__(self, kind: Kind, effects: list[Effect]) -> None:
        """Raises UnknownMachine, before any query."""
        self._kind, self._effects = kind, effects
        wanted: dict[str, set[UUID]] = defaultdict(set)
        for effect in effects if not kind.by_key else ():
            if effect.object_id is not None:
                wanted[effect.machine].add(effect.object_id)
        self._wanted = [(list(ids), _reader(machine, kind.related)) for machine, ids in wanted.items()]

    def send(self) -> None:
        self._answers = [reader.ask(ids) for ids, reader in self._wanted]

    def in_order(self) -> list[Any]:
        """An object or None for each effect; its key if the kind is `by_key`."""
        if self._kind.by_key:
            return [effect.object_id for effect in self._effects]
        found: dict[UUID | None, Stateful] = {}
        for answer in self._answers:
            prefetch_related_objects(answer.objects, *self._kind.prefetch)
            found |= answer.by_key()
        return [found.get(effect.object_id) for effect in self._effects]


@cache
def _reader(machine: str, related: tuple[str, ...]) -> CompiledQuery[Stateful]:
    rows = _model(machine)._base_manager
    return CompiledQuery(rows.select_related(*related) if related else rows.all())


def _model(machine: str) -> type[Stateful]:
    model = subject_model(machine)
    if model is None:
        raise UnknownMachine(f"no machine is called {machine!r}")
    return model
