"""Debts that follow no transition: a reminder, a password reset, an alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from core.ids import uuid7
from core.models.history import Transition
from core.models.stateful import NOBODY, Stateful
from workflows.engine.plain import check_keepable, plain_json
from workflows.engine.record import INSERT_DEBTS, announce
from workflows.engine.registry import Kind, machine_of


def owe(
    handler: Callable[..., Any],
    *,
    key: str,
    about: Stateful | None = None,
    cause: Transition | None = None,
    payload: dict[str, Any] | None = None,
    after: timedelta = timedelta(0),
    at: datetime | None = None,
) -> UUID | None:
    """Record that this must happen, once for each `key` for all time; its id, or None when it was owed already.

    payload: JSON of at most 64 KB, else NotKeepable is raised and nothing recorded.
    after: not due before that much time has passed; at: not before that moment.
    """
    kind: Kind = handler.kind  # type: ignore[attr-defined]
    check_keepable(payload or {})
    debt = {
        "id": uuid7(),
        "account_id": about.tenant_id if about else NOBODY,
        "transition_id": cause and cause.pk,
        "machine": machine_of(type(about)) if about else "",
        "object_id": about and about.pk,
        "seq": about.version if about else 0,
        "key": key,
        "kind": kind.name,
        "revision": kind.revision,
        "payload": payload or {},
        "lane": kind.lane,
        "ordered": kind.ordered,
        "wait": after.total_seconds(),
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(f"{INSERT_DEBTS} ON CONFLICT (key) DO NOTHING RETURNING id", [plain_json([debt])])
        row = cursor.fetchone()
    if row is None:
        return None
    if not after and not at:
        announce([row[0]])
    effect_id: UUID = row[0]
    return effect_id
