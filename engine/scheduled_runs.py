from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.transaction import atomic

from engine.sql import statement

_TAKE_SLOT = statement("take_slot")


@contextmanager
def run_once_per(schedule: str, every: timedelta) -> Iterator[bool]:
    """Whether this call does the work of the current slot, in one commit with the row that marks it.

    Slots are counted from 1970 by the database's clock.
    """
    with atomic():
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_SLOT, {"schedule": schedule, "every": str(every)})
            is_ours = cursor.fetchone() is not None
        yield is_ours
