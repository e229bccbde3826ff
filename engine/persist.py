"""One statement writes the new status, the Transition and the Effects that follow. The set is one JSON document."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field
from django.db.transaction import on_commit

from engine.ids import uuid7
from engine.models import Effect, Transition
from engine.payload import to_json
from engine.pipeline import ask
from engine.registry import follow_ups, kinds
from engine.signals import effects_created
from engine.stateful import Stateful

CHUNK_ROWS = 500  # of a set in one statement
T = TypeVar("T")


@dataclass
class Notes:
    """Ids of what was written, in order; some may have been rolled back."""

    transitions: list[UUID] = field(default_factory=list)
    effects: list[UUID] = field(default_factory=list)
    due_internal: list[UUID] = field(default_factory=list)  # inside the database
    moved: list[UUID] = field(default_factory=list)


notes: ContextVar[Notes | None] = ContextVar("notes", default=None)


@dataclass
class PendingTransition:
    """`changed`: the columns that its method changed."""

    obj: Stateful
    transition: Transition
    born: bool
    changed: dict[str, Any]


FACT_COLUMNS = {
    "id": "uuid", "account_id": "uuid", "machine": "text", "object_id": "uuid", "seq": "int", "name": "text",
    "source": "text", "target": "text", "actor_id": "uuid", "cause_id": "uuid", "reason": "text", "inputs": "jsonb",
    "request_key": "text", "request_id": "text", "trace": "text",
}  # fmt: skip
EFFECT_COLUMNS = {
    "id": "uuid", "account_id": "uuid", "transition_id": "uuid", "machine": "text", "object_id": "uuid", "seq": "int",
    "key": "text", "kind": "text", "revision": "int", "payload": "jsonb", "lane": "text", "ordered": "bool",
}  # fmt: skip


@dataclass
class WriteResult:
    moves: list[PendingTransition]
    _effects: list[dict[str, Any]]
    _cursor: CursorWrapper

    @cached_property
    def _facts(self) -> set[UUID]:
        return {row[0] for row in self._cursor.fetchall()}

    def stale(self) -> list[Stateful]:
        """Nothing was written for these objects."""
        return [move.obj for move in self.moves if move.transition.id not in self._facts]

    def due_lanes(self) -> dict[UUID, str]:
        due = [effect for effect in self._effects if not effect["wait"] and effect["transition_id"] in self._facts]
        return {effect["id"]: effect["lane"] for effect in due}


def chunks(rows: list[T]) -> Iterator[list[T]]:
    return (rows[start : start + CHUNK_ROWS] for start in range(0, len(rows), CHUNK_ROWS))


def write(moves: list[PendingTransition], lock: Collection[UUID] = ()) -> WriteResult:
    """The moves changed the same columns. lock: ids of rows to lock first, in one order."""
    model = type(moves[0].obj)
    changed = tuple(sorted(moves[0].changed))
    effects = [effect for move in moves for effect in _new_effects(move)]
    if noted := notes.get():
        noted.transitions += [move.transition.id for move in moves]
        noted.effects += [effect["id"] for effect in effects]
        noted.due_internal += [
            effect["id"] for effect in effects if not (effect["wait"] or kinds[effect["kind"]].external)
        ]
    steps = [
        {name: getattr(move.transition, name) for name in FACT_COLUMNS}
        | {f"new_{name}": value for name, value in move.changed.items()}
        for move in moves
    ]
    params: list[Any] = [to_json(steps), to_json(effects)]
    if moves[0].born:
        return WriteResult(moves, effects, ask(_create_statement(), params))
    if len(lock) > 1:
        params.insert(1, list(lock))
    return WriteResult(moves, effects, ask(_move_statement(model, changed, locks=len(lock) > 1), params))


def notify_after_commit(effect_ids: list[UUID], lanes: Collection[str] = ()) -> None:
    """A receiver that fails is only logged."""
    if effect_ids:
        on_commit(partial(_send, effect_ids, lanes), robust=True)


def _send(effect_ids: list[UUID], lanes: Collection[str]) -> None:
    effects_created.send_robust(sender=Effect, ids=effect_ids, lanes=lanes)


def _new_effects(move: PendingTransition) -> Iterator[dict[str, Any]]:
    fact = move.transition
    for follower in follow_ups.get((fact.machine, fact.name), ()):
        if follower.to is None or follower.to == fact.target:
            kind = follower.kind
            yield {
                "id": uuid7(),
                "account_id": fact.account_id,
                "transition_id": fact.id,
                "machine": fact.machine,
                "object_id": fact.object_id,
                "seq": fact.seq,
                "key": f"{fact.machine}:{fact.object_id}:{fact.seq}:{kind.name}",
                "kind": kind.name,
                "revision": kind.revision,
                "payload": {},
                "lane": kind.lane,
                "ordered": kind.ordered,
                "wait": follower.after.total_seconds(),
            }


# Here and not in engine/sql: the text depends on the model and on the columns that its transitions changed.
@cache
def _move_statement(model: type[Stateful], changed: tuple[str, ...], *, locks: bool) -> str:
    """Compare-and-set: a row that was changed meanwhile is not returned.

    The version detects A-B-A; the status a copy that is ahead because its caller rolled back.
    locks: lock the rows by id, before the first of them moves.
    """
    table = f'"{model._meta.db_table}"'
    locked = f"locked AS (SELECT id FROM {table} WHERE id = ANY(%s::uuid[]) ORDER BY id FOR NO KEY UPDATE),"
    columns = {field.attname: field for field in model._meta.concrete_fields}
    new = [columns[name] for name in changed]
    sets = "".join(f', "{field.column}" = step."new_{field.attname}"' for field in new)
    return f"""
        WITH step AS ({_steps(new)}), {locked if locks else ""}
        moved AS (
            UPDATE {table} AS row SET status = step.target, version = step.seq{sets}
            FROM step WHERE row.id = step.object_id AND row.version = step.seq - 1 AND row.status = step.source
                {"AND (SELECT count(*) FROM locked) > 0" if locks else ""}
            RETURNING row.id
        ),
        fact AS ({_INSERT_FACTS} JOIN moved ON moved.id = step.object_id RETURNING id),
        effects AS ({INSERT_EFFECTS} JOIN fact ON fact.id = effect.transition_id)
        SELECT id FROM fact"""


@cache
def _create_statement() -> str:
    """The row itself is inserted right after, in the same transaction."""
    return f"""
        WITH step AS ({_steps([])}),
        fact AS ({_INSERT_FACTS} RETURNING id),
        effects AS ({INSERT_EFFECTS} JOIN fact ON fact.id = effect.transition_id)
        SELECT id FROM fact"""


def _steps(new: list[Field[Any, Any]]) -> str:
    actor = Transition._meta.get_field("actor")  # a person's key may be a number
    types = FACT_COLUMNS | {"actor_id": str(actor.db_type(connection))}
    types |= {f'"new_{field.attname}"': str(field.db_type(connection)) for field in new}
    return f"SELECT * FROM jsonb_to_recordset(%s::jsonb) AS step({_typed(types)})"


def _typed(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {type_}" for name, type_ in columns.items())


def _of(table: str, columns: dict[str, str]) -> str:
    return ", ".join(f"{table}.{name}" for name in columns)


_INSERT_FACTS = f"""
    INSERT INTO "{Transition._meta.db_table}" ({", ".join(FACT_COLUMNS)}, at)
    SELECT {_of("step", FACT_COLUMNS)}, now() FROM step"""
INSERT_EFFECTS = f"""
    INSERT INTO "{Effect._meta.db_table}"
        ({", ".join(EFFECT_COLUMNS)}, state, run_at, created_at, fence, attempts, crashes, solo, last_error)
    SELECT {_of("effect", EFFECT_COLUMNS)},
        CASE WHEN effect.wait > 0 OR effect.at > now() THEN 'waiting' ELSE 'ready' END,
        coalesce(effect.at, now() + make_interval(secs => effect.wait)), now(), 0, 0, 0, false, ''
    FROM jsonb_to_recordset(%s::jsonb) AS effect({_typed(EFFECT_COLUMNS)}, wait float, at timestamptz)"""
