"""One statement writes the new status, the Transition and the Effects that follow: all of it or nothing.

The set travels as one JSON document, so the statement has one parameter whatever the size of the set, and
its text depends only on which columns the transitions changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Field
from django.db.transaction import on_commit

from core.ids import uuid7
from core.models.history import Effect, Transition
from core.models.stateful import Stateful
from workflows.engine.registry import followers
from workflows.engine.signals import effects_recorded


@dataclass
class Move:
    """A transition taken in memory: the object, the fact, and the columns its method changed."""

    obj: Stateful
    transition: Transition
    born: bool
    changed: dict[str, Any]


STEP_COLUMNS = (
    "id", "account_id", "machine", "object_id", "seq", "name", "source", "target",
    "actor_id", "cause_id", "reason", "inputs", "request_key",
)  # fmt: skip
EFFECT_COLUMNS = (
    "id", "account_id", "transition_id", "machine", "object_id", "key", "kind", "revision", "payload", "lane",
)  # fmt: skip


def write(moves: list[Move]) -> tuple[set[UUID], list[UUID]]:
    """Write moves of one model that changed the same columns.

    Returns the transitions written, without those whose object had moved on meanwhile (the caller then
    rolls back or reports), and the effects that are due at once.
    """
    model = type(moves[0].obj)
    changed = tuple(sorted(moves[0].changed))
    effects = [effect for move in moves for effect in _owed(move)]
    steps = [
        {name: getattr(move.transition, name) for name in STEP_COLUMNS}
        | {f"new_{name}": value for name, value in move.changed.items()}
        for move in moves
    ]
    sql = _birth_statement() if moves[0].born else _move_statement(model, changed)
    with connection.cursor() as cursor:
        cursor.execute(sql, [_json(steps), _json(effects)])
        written = {row[0] for row in cursor.fetchall()}
    due = [effect["id"] for effect in effects if not effect["wait"] and effect["transition_id"] in written]
    return written, due


def announce(effect_ids: list[UUID]) -> None:
    """Tell whoever listens, after commit, that these effects are due. A listener that fails harms nobody."""
    if effect_ids:
        on_commit(partial(_send, effect_ids), robust=True)


def _send(effect_ids: list[UUID]) -> None:
    effects_recorded.send_robust(sender=Effect, ids=effect_ids)


def _owed(move: Move) -> Iterable[dict[str, Any]]:
    """The effects that follow a transition: one for each `on(...)` line that fits, keyed by object, seq and kind."""
    fact = move.transition
    for follower in followers.get((fact.machine, fact.name), ()):
        if follower.to is None or follower.to == fact.target:
            kind = follower.kind
            yield {
                "id": uuid7(),
                "account_id": fact.account_id,
                "transition_id": fact.id,
                "machine": fact.machine,
                "object_id": fact.object_id,
                "key": f"{fact.machine}:{fact.object_id}:{fact.seq}:{kind.name}",
                "kind": kind.name,
                "revision": kind.revision,
                "payload": {},
                "lane": kind.lane,
                "wait": follower.after.total_seconds(),
            }


@cache
def _move_statement(model: type[Stateful], changed: tuple[str, ...]) -> str:
    """Compare-and-set on the version: a row that somebody else moved meanwhile is simply not returned."""
    table, columns = model._meta.db_table, {field.attname: field for field in model._meta.concrete_fields}
    new = [columns[name] for name in changed]
    sets = "".join(f', "{field.column}" = step."new_{field.attname}"' for field in new)
    return f"""
        WITH step AS (SELECT * FROM jsonb_to_recordset(%s) AS step({_step_types(tuple(new))})),
        moved AS (
            UPDATE "{table}" AS row SET status = step.target, version = step.seq{sets}
            FROM step WHERE row.id = step.object_id AND row.version = step.seq - 1
            RETURNING row.id
        ),
        fact AS (
            {_INSERT_FACTS} JOIN moved ON moved.id = step.object_id RETURNING id
        ),
        {_OWE}
        SELECT id FROM fact"""  # noqa: S608 - names of our own columns only


@cache
def _birth_statement() -> str:
    """The row itself has just been inserted in the same transaction."""
    return f"""
        WITH step AS (SELECT * FROM jsonb_to_recordset(%s) AS step({_step_types(())})),
        fact AS ({_INSERT_FACTS} RETURNING id),
        {_OWE}
        SELECT id FROM fact"""  # noqa: S608 - names of our own columns only


_INSERT_FACTS = (
    f'INSERT INTO "{Transition._meta.db_table}" ({", ".join(STEP_COLUMNS)}) '  # noqa: S608
    f"SELECT {', '.join(f'step.{name}' for name in STEP_COLUMNS)} FROM step"
)
_OWE = f"""owed AS (
            INSERT INTO "{Effect._meta.db_table}"
                ({", ".join(EFFECT_COLUMNS)}, state, run_at, fence, attempts, crashes, solo, last_error)
            SELECT {", ".join(f"debt.{name}" for name in EFFECT_COLUMNS)},
                'ready', now() + make_interval(secs => debt.wait), 0, 0, 0, false, ''
            FROM jsonb_to_recordset(%s) AS debt(id uuid, account_id uuid, transition_id uuid, machine text,
                object_id uuid, key text, kind text, revision int, payload jsonb, lane text, wait float)
            JOIN fact ON fact.id = debt.transition_id
        )"""  # noqa: S608


def _step_types(new: tuple[Field[Any, Any], ...]) -> str:
    fixed = (
        "id uuid, account_id uuid, machine text, object_id uuid, seq int, name text, source text, target text, "
        "actor_id uuid, cause_id uuid, reason text, inputs jsonb, request_key text"
    )
    return fixed + "".join(f', "new_{field.attname}" {field.db_type(connection)}' for field in new)


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=_plain, allow_nan=False)


def _plain(value: object) -> str:
    """Text that PostgreSQL reads back as the same value."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds"
    raise TypeError(f"{type(value).__name__} cannot be kept in a Transition")
