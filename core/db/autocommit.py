from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def autocommit_cursor() -> Iterator[CursorWrapper]:
    """On a connection of its own: a rollback of the caller undoes no count, and a long transaction locks no row."""
    # The transaction of a test case does not count.
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
