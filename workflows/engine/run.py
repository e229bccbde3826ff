"""Pay the debts: claim what is due under a lease, do it, and mark it done under the fence of that lease.

Database time decides everything. An effect inside the database commits together with its DONE, so it happens
exactly once; one that leaves the house runs with no transaction open, so it happens at least once, under the
same key every time.
"""

from __future__ import annotations

import json
import logging
import random
import traceback
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.transaction import atomic

from core.models.history import Effect
from core.models.stateful import Stateful
from core.problems import Problem
from workflows.engine.registry import Kind, kinds, subject_model

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
BATCH = 100
MAX_ATTEMPTS = 12
FIRST_WAIT, LONGEST_WAIT = 2.0, 900.0  # seconds


class Fenced(Exception):  # noqa: N818
    """Our lease ran out and somebody else took the effect over: what we did must not count."""


def run_due(ids: Sequence[UUID] | None = None, *, limit: int = BATCH) -> int:
    """Claim effects that are due, at most `limit`, pay them, and return how many were claimed.

    ids: only these, where they are still due; a ring may be lost, late or doubled. None: whatever is due.
    """
    claimed = claim(ids, limit)
    by_kind: dict[str, list[Effect]] = defaultdict(list)
    for effect in claimed:
        by_kind[effect.kind].append(effect)
    for name, effects in by_kind.items():
        kind = kinds[name]
        for start in range(0, len(effects), kind.batch):
            _pay(kind, effects[start : start + kind.batch])
    return len(claimed)


def claim(ids: Sequence[UUID] | None, limit: int) -> list[Effect]:
    """Lease due effects of kinds that this process knows; the others are left for a newer worker."""
    only = "AND id = ANY(%(ids)s)" if ids is not None else ""
    effects = list(
        Effect.objects.raw(
            f"""
            WITH due AS (
                SELECT id FROM core_effect
                WHERE state = 'ready' AND run_at <= now() AND kind = ANY(%(kinds)s) {only}
                ORDER BY run_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            UPDATE core_effect AS effect
            SET state = 'leased', fence = fence + 1, lease_until = now() + %(lease)s
            FROM due WHERE effect.id = due.id RETURNING effect.*""",  # noqa: S608
            {"ids": list(ids or ()), "kinds": list(kinds), "limit": limit, "lease": LEASE},
        )
    )
    return sorted(effects, key=lambda effect: (effect.run_at, effect.id))


def _pay(kind: Kind, effects: list[Effect]) -> None:
    try:
        if kind.outward:
            _pay_outside(kind, effects)
        else:
            _pay_inside(kind, effects)
    except Fenced:
        log.warning("%s: the lease of %s ran out before it was finished", kind.name, effects[0].id)
    except Exception as error:
        if len(effects) > 1:  # one of them is bad: each on its own, so that it fails alone
            for effect in effects:
                _pay(kind, [effect])
        else:
            _fail(effects[0], error)


def _pay_inside(kind: Kind, effects: list[Effect]) -> None:
    """DONE comes first and takes the rows' locks; if the work fails, the whole transaction goes."""
    with atomic():
        _finish(effects)
        _call(kind, effects)


def _pay_outside(kind: Kind, effects: list[Effect]) -> None:
    # A test case's own transaction is none of ours.
    assert all(
        block._from_testcase  # type: ignore[attr-defined]
        for block in connection.atomic_blocks
    ), "a transaction is open"
    outcome = _call(kind, effects)
    _finish(effects, outcome)


def _call(kind: Kind, effects: list[Effect]) -> Any:
    subjects = _subjects(effects)
    if kind.batch > 1:
        return kind.run(subjects, effects)
    return kind.run(subjects[0], effects[0])


def _subjects(effects: list[Effect]) -> list[Stateful | None]:
    """The objects that effects of one kind are about, in the same order."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for effect in effects:
        if effect.object_id is not None:
            wanted[effect.machine].add(effect.object_id)
    found: dict[UUID | None, Stateful] = {}
    for machine, ids in wanted.items():
        model = subject_model(machine)
        assert model is not None, f"no machine is called {machine!r}"
        found |= model._base_manager.in_bulk(list(ids))
    return [found.get(effect.object_id) for effect in effects]


def _finish(effects: list[Effect], outcome: Any = None) -> None:
    """Mark effects done, if each is still ours. Raises Fenced when one is not."""
    finished = _update_held(
        effects,
        "state = 'done', done_at = now(), attempts = attempts + 1, last_error = '', outcome = %(outcome)s::jsonb",
        outcome=None if outcome is None else json.dumps(outcome),
    )
    if finished != len(effects):
        raise Fenced


def _fail(effect: Effect, error: BaseException) -> None:
    """Try again later, each time after a longer and randomly shortened wait; a Problem or the last try is final."""
    is_final = isinstance(error, Problem) or effect.attempts + 1 >= MAX_ATTEMPTS
    wait = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**effect.attempts))  # noqa: S311 - full jitter
    log.log(
        logging.ERROR if is_final else logging.WARNING,
        "%s %s failed (attempt %s, %s)",
        effect.kind,
        effect.id,
        effect.attempts + 1,
        "dead" if is_final else f"again in {wait:.1f} s",
        exc_info=error,
    )
    text = "".join(traceback.format_exception_only(error)).strip()[:2000].replace("\x00", "")
    _update_held(
        [effect],
        "state = %(state)s, attempts = attempts + 1, last_error = %(error)s, run_at = now() + %(wait)s",
        state="dead" if is_final else "ready",
        error=text,
        wait=timedelta(seconds=wait),
    )


def _update_held(effects: list[Effect], changes: str, **values: Any) -> int:
    """Update rows whose lease is still the one we hold; how many that were."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE core_effect AS effect SET lease_until = NULL, {changes}
                FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS held(id, fence)
                WHERE effect.id = held.id AND effect.fence = held.fence AND effect.state = 'leased'""",  # noqa: S608
            {
                "ids": [effect.id for effect in effects],
                "fences": [effect.fence for effect in effects],
                **values,
            },
        )
        return int(cursor.rowcount)
