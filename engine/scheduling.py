from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from engine.ids import uuid7
from engine.models import Effect, Transition
from engine.payload import to_json, validate_payload
from engine.persist import CHUNK_ROWS, INSERT_EFFECTS, chunks, notes, notify_after_commit
from engine.pipeline import ask
from engine.registry import Kind, kinds, machine_name
from engine.sql import statement
from engine.stateful import NO_TENANT, Stateful

_RESCHEDULE = statement("reschedule")


@dataclass(frozen=True)
class NewEffect:
    """The arguments of schedule()."""

    handler: Callable[..., Any]
    key: str
    about: Stateful | None = None
    cause: Effect | Transition | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    after: timedelta = timedelta(0)
    at: datetime | None = None

    @property
    def is_due(self) -> bool:
        return not self.after and not self.at

    def row(self) -> dict[str, Any]:
        kind: Kind = self.handler.kind  # type: ignore[attr-defined]
        validate_payload(self.payload)
        about, cause = self.about, self.cause
        return {
            "id": uuid7(),
            "account_id": about.tenant_id if about else NO_TENANT,
            "transition_id": cause.transition_id if isinstance(cause, Effect) else cause and cause.pk,
            "machine": machine_name(type(about)) if about else "",
            "object_id": about and about.pk,
            "seq": about.version if about else 0,
            "key": self.key,
            "kind": kind.name,
            "revision": kind.revision,
            "payload": self.payload,
            "lane": kind.lane,
            "ordered": kind.ordered,
            "wait": self.after.total_seconds(),
            "at": self.at,
        }


def schedule(
    handler: Callable[..., Any],
    *,
    key: str,
    about: Stateful | None = None,
    cause: Effect | Transition | None = None,
    payload: dict[str, Any] | None = None,
    after: timedelta = timedelta(0),
    at: datetime | None = None,
) -> UUID | None:
    """An effect that follows no transition, once for each `key`, for ever. None if it was scheduled before.

    payload: JSON of at most 64 KB, else InvalidPayload.
    """
    return schedule_many([NewEffect(handler, key, about, cause, payload or {}, after, at)])[0]


def schedule_many(effects: Sequence[NewEffect]) -> list[UUID | None]:
    """Ids, None for each that was scheduled already."""
    if not effects:
        return []
    rows = [effect.row() for effect in effects]
    sql = f"{INSERT_EFFECTS} ON CONFLICT (key) DO NOTHING RETURNING id, state"
    with atomic(savepoint=False) if len(rows) > CHUNK_ROWS else nullcontext():
        new = dict(row for some in chunks(rows) for row in ask(sql, [to_json(some)]).fetchall())
    if noted := notes.get():
        noted.effects += new
        inward = {row["id"] for row in rows if not kinds[row["kind"]].external}
        noted.due_internal += [key for key, state in new.items() if state == Effect.State.READY and key in inward]
    due = [row for effect, row in zip(effects, rows, strict=True) if row["id"] in new and effect.is_due]
    notify_after_commit([row["id"] for row in due], lanes={row["lane"] for row in due})
    return [row["id"] if row["id"] in new else None for row in rows]


def reschedule(moments: Mapping[UUID, datetime]) -> int:
    """Only effects that wait for their first run; returns how many."""
    if not moments:
        return 0
    if noted := notes.get():
        noted.moved += moments
    changed = ask(_RESCHEDULE, [list(moments), list(moments.values())])
    return int(changed.rowcount)


def amend(effect_id: UUID, payload: dict[str, Any]) -> bool:
    """False if the effect no longer waits for its first run.

    Raises InvalidPayload. The caller prevents concurrent calls.
    """
    validate_payload(payload)
    changed = ask(
        """UPDATE engine_effect SET payload = %s::jsonb WHERE id = %s::uuid AND state = 'waiting' AND fence = 0""",
        [to_json(payload), effect_id],
    )
    return bool(changed.rowcount)
