from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection as default_connection
from django.db.transaction import atomic

security = logging.getLogger("countersign.security")


@contextmanager
def thaw(table: str, *, reason: str, connection: Any = default_connection) -> Iterator[None]:
    """A transaction in which frozen or append-only rows of one table may be changed: by the owner of the tables alone.

    PostgreSQL logs each change. An owner who disables triggers leaves no trace there; the exported head of the history
    shows it (`manage.py verify_history --head`).
    """
    security.warning(
        "%s is thawed: %s",
        table,
        reason,
        extra={"facts": {"event": "thaw", "table": table, "reason": reason}},
    )
    with atomic(using=connection.alias):
        _name(connection, table)
        yield
        _name(connection, "")


def erase_log_names(keys: Sequence[int]) -> int:
    """Erase names in the admin's log through a function with its owner's rights. Returns how many rows changed."""
    if not keys:
        return 0
    security.warning(
        "%d rows of the admin's log are blanked",
        len(keys),
        extra={"facts": {"event": "erase_log", "rows": list(keys)}},
    )
    with default_connection.cursor() as cursor:
        cursor.execute("SELECT countersign_blank_log(%s::int[])", [list(keys)])
        return int(cursor.fetchone()[0])


def _name(connection: Any, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('countersign.thaw', %s, true)", [table])
