"""Statements that are worth planning once: for those few that run thousands of times a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from psycopg import Cursor


def fetch_prepared(sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of one statement, which the server parses and plans once for each session.

    Django's own cursors put the values into the text, so that every execution is planned anew: of a statement
    with some parts to it that is the larger half of the work. Errors are Django's, as from its cursors.
    """
    with connection.cursor() as ours:
        connection.validate_no_broken_transaction()
        with connection.wrap_database_errors, Cursor(ours.connection) as cursor:
            cursor.execute(sql, values, prepare=True)
            return cursor.fetchone()
