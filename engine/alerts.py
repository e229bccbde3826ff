from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from engine.scheduling import schedule

_handlers: list[Callable[..., Any]] = []


def alert(handler: Callable[..., Any]) -> None:
    """At most once an hour for each kind that has dead or uncertain effects. The payload is `{"kind": ...}`."""
    if handler not in _handlers:
        _handlers.append(handler)


def raise_alert(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24')")
        hour = cursor.fetchone()[0]
    for handler in _handlers:
        if handler.kind.name != kind:  # type: ignore[attr-defined]  # no alert about a failed alert
            schedule(handler, key=f"alert:{kind}:{hour}", payload={"kind": kind})
