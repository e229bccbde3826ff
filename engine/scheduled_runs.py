from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.transaction import atomic


@contextmanager
def run_once_per(schedule: str, every: timedelta) -> Iterator[bool]:
    """Whether this call does the work of the current slot, in one commit with the row that marks it.

    Slots are counted from 1970 by the database's clock.
    """
    with atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                """INSERT INTO engine_scheduledrun (schedule, slot)
                   VALUES (%(schedule)s, date_bin(%(every)s::interval, now(), 'epoch'))
                   ON CONFLICT DO NOTHING RETURNING id""",
                {"schedule": schedule, "every": str(every)},
            )
            is_ours = cursor.fetchone() is not None
        yield is_ours
