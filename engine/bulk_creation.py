from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from engine.actors import User
from engine.context import request_id
from engine.ids import uuid7
from engine.models import Effect, Transition
from engine.payload import to_json, validate_payload
from engine.registry import follow_ups, machine_name
from engine.spans import trace_for
from engine.stateful import CREATED, NO_TENANT, Stateful, initial_states

COPY_ROWS = 5000  # in one COPY: bounds the memory of both sides
_FACTS = (
    "id", "account_id", "machine", "object_id", "seq", "name", "source", "target", "actor_id", "cause_id", "reason",
    "inputs", "request_id", "trace",
)  # fmt: skip


def create_by_copy(
    model: type[Stateful],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    by: User | None = None,
    cause: Effect | Transition | None = None,
    **inputs: Any,
) -> int:
    """create() for very large sets of one model without a tenant: rows and Transitions arrive by COPY.

    columns: of the table, with "id" and "status" among them, and all that have no default in the database; rows: their
    values, of which one set at a time is in memory. In the caller's transaction. Returns how many there were.
    Raises ValueError for a model of which something follows when it is created: that would be left out.
    """
    machine = machine_name(model)
    if follow_ups.get((machine, CREATED)):
        raise ValueError(f"Something follows from a new {machine}: use create_many()")
    assert connection.in_atomic_block, "rows and their transitions are committed together"
    validate_payload(inputs)
    key, status = columns.index("id"), columns.index("status")
    states = set(initial_states(model))
    fact = (
        "",
        by and by.pk,
        cause.transition_id if isinstance(cause, Effect) else cause and cause.pk,
        "",
        to_json(inputs),
        request_id.get(),
        trace_for(cause),
    )
    count, remaining = 0, iter(rows)
    while some := list(islice(remaining, COPY_ROWS)):
        if wrong := {row[status] for row in some} - states:
            raise ValueError(f"No {machine} begins as {wrong.pop()}")
        # First, because the guard of the rows looks for them.
        _copy(
            Transition._meta.db_table,
            _FACTS,
            [(uuid7(), NO_TENANT, machine, row[key], 1, CREATED, fact[0], row[status], *fact[1:]) for row in some],
        )
        _copy(model._meta.db_table, [*columns, "version"], [(*row, 1) for row in some])
        count += len(some)
    return count


def _copy(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)
