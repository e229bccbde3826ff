"""Cursors whose statements the server plans once for each session, instead of Django's, which sends finished text.

For the few that run thousands of times a second and are large and always the same: the one that takes a transition, and
the one that consumes credits. Planned once, approvals one by one cost PostgreSQL a fifth less (`docs/performance.md`).
Behind a pooler the next transaction may be in another session, which knows no plan of ours: there nothing is prepared,
unless POOLER_PREPARES says that the pooler sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

AFTER = 3  # runs; who asks only once is not worth a plan


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """As `connection.cursor()`, with the same errors and the same log of queries."""
    raw = _raw()
    with connection.wrap_database_errors:
        raw.prepare_threshold = AFTER if settings.POOLER_PREPARES or _has_own_session(raw) else None
        cursor: Any = ServerBindingCursor(raw)  # type: ignore[call-arg]
    wrapped = connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)
    with wrapped:
        yield wrapped


def told_pid() -> int:
    """The pid that we were told when we connected. A pooler tells a number of its own, which no session has."""
    pid: int = _raw().pgconn.backend_pid
    return pid


def _raw() -> Any:
    """psycopg's connection, one that lives."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection.connection


def _has_own_session(raw: Any) -> bool:
    """Whether the server sees this connection as it was told to us; asked once for each."""
    if not hasattr(raw, "has_own_session"):
        with raw.cursor() as cursor:
            raw.has_own_session = cursor.execute("SELECT pg_backend_pid()").fetchone()[0] == raw.pgconn.backend_pid
    return bool(raw.has_own_session)
