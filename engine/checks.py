from __future__ import annotations

from collections import Counter
from typing import Any

from django.core import checks
from django.db import DatabaseError, connections
from django.db.transaction import atomic

from engine import lanes
from engine.models import Effect
from engine.registry import follow_ups, kinds, machines, subject_model
from engine.stateful import CREATED

# One part for each state of the model, so that each uses its own index and skips all that is done.
_NOT_OVER = " UNION ALL ".join(
    f"SELECT kind, revision, machine, lane FROM engine_effect WHERE state = '{state}'"
    for state in Effect.State
    if state not in Effect.FINISHED
)


@checks.register()
def followers_are_declared(**_: Any) -> list[checks.CheckMessage]:
    errors: list[checks.CheckMessage] = []
    for (machine, name), lines in follow_ups.items():
        if name != CREATED and not hasattr(getattr(machines[machine], name, None), "_django_fsm"):
            errors.append(checks.Error(f"{machine} has no transition {name!r}", id="engine.E001"))
        errors += [
            checks.Error(f"{machine}.{name} is followed by the unknown effect {line.kind.name!r}", id="engine.E002")
            for line in lines
            if line.kind.name not in kinds
        ]
    return errors


@checks.register(checks.Tags.database)
def rows_can_be_done(*, databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Run before a release or a rollback starts."""
    return [warning for alias in databases or [] for warning in _beyond_us(alias)]


def _beyond_us(alias: str) -> list[checks.CheckMessage]:
    try:
        with atomic(alias), connections[alias].cursor() as cursor:
            cursor.execute(f"SELECT *, count(*) FROM ({_NOT_OVER}) AS effect GROUP BY 1, 2, 3, 4")
            found = cursor.fetchall()
    except DatabaseError:  # not migrated yet
        return []
    counted = Counter[tuple[str, str]]()
    for *row, count in found:
        if lacking := _lacking(*row):
            counted[lacking] += count
    return [
        checks.Warning(
            f"Effects that this release cannot do: {count} {which}.",
            hint="They wait for a release that can. What none will do may be skipped on the staff's desk.",
            id=f"engine.{number}",
        )
        for (number, which), count in sorted(counted.items())
    ]


def _lacking(kind: str, revision: int, machine: str, lane: str) -> tuple[str, str] | None:
    """(id of the warning, which); None if this code can execute them."""
    if kind not in kinds:
        return "W001", f"of the unknown kind {kind!r}"
    if revision > kinds[kind].revision:
        return "W002", f"of {kind} in revision {revision}, which is known up to {kinds[kind].revision}"
    if machine and subject_model(machine) is None:
        return "W003", f"of {kind} about a {machine!r}, and no model is called so"
    if lane not in lanes():
        return "W004", f"of {kind} in the lane {lane!r}, which no kind has, until a sweep has moved them"
    return None
