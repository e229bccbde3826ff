"""What is frozen can be changed by migrations and by erasure, and says so."""

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
    """A transaction in which the rows of one table may be changed where they are frozen or append-only.

    For migrations, and for the owner of the tables at a prompt. The database asks who it is: for the role of the
    application nothing is thawed, whatever it sets. Where the application runs as the owner, as `make up` does, its
    code could set the same without this function: then the lines that the trigger writes into PostgreSQL's own log are
    the trace, and an owner who switches triggers off leaves none at all. Against that stands the exported head of the
    history (`manage.py verify_history --head`).
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


def blank_log_rows(keys: Sequence[int]) -> int:
    """Forget what rows of the admin's log were called; who did what when, stays. How many changed.

    By a function of the database that runs with its owner's rights, because the log is insert-only.
    """
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
