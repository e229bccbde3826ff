from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def autocommit_cursor() -> Iterator[CursorWrapper]:
    """A cursor on a connection of its own, whose statements commit at once.

    So a rollback of the caller's transaction undoes no count, and a long one holds no row lock. Inside a test case's
    transaction the usual connection is used.
    """
    blocks = connection.atomic_blocks
    if not blocks or any(block._from_testcase for block in blocks):  # type: ignore[attr-defined]
        with connection.cursor() as cursor:
            yield cursor
        return
    own = connection.copy()
    try:
        with own.cursor() as cursor:
            yield cursor
    finally:
        own.close()
