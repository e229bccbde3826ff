"""Cursors whose statements the server plans once for each session, instead of Django's, which sends finished text.

For the few statements of the engine that are large and always the same: to plan the one that takes a transition costs
about as much as to run it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.postgresql.psycopg_any import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

AFTER = 3  # runs; who asks only once is not worth a plan


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """As `connection.cursor()`, with the same errors and the same log of queries."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        connection.connection.prepare_threshold = AFTER
        cursor = ServerBindingCursor(connection.connection)
    wrapped = connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)
    with wrapped:
        yield wrapped
