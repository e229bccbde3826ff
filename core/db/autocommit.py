"""Statements that commit at once, whatever becomes of the transaction around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def autocommit_cursor() -> Iterator[CursorWrapper]:
    """A cursor whose statement commits at once: a caller's transaction that is rolled back takes no count with it,
    and one that goes on keeps nobody waiting. A test case's own transaction is none of ours.
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
