"""Tell somebody that effects are dead or in doubt: once an hour for each kind, however many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from engine.scheduling import schedule

_handlers: list[Callable[..., Any]] = []


def alert(handler: Callable[..., Any]) -> None:
    """Let this effect be owed when others die. Its payload is `{"kind": ...}`."""
    if handler not in _handlers:
        _handlers.append(handler)


def raise_alert(kind: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24')")
        hour = cursor.fetchone()[0]
    for handler in _handlers:
        if handler.kind.name != kind:  # type: ignore[attr-defined]  # nobody is told that nobody could be told
            schedule(handler, key=f"alert:{kind}:{hour}", payload={"kind": kind})
