"""A clock that tests can move: PostgreSQL's own now(), shadowed by one with an offset.

Everything in the product asks the database what time it is, by the plain names of these functions. A schema
that is searched before pg_catalog answers first, so nothing in the product knows of the test. Django's own clock,
which stamps `created_at`, goes with it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from unittest.mock import patch

from django.db import connection
from django.utils import timezone

from workflows.periods import database_now, today_in

SETUP = """
    CREATE SCHEMA IF NOT EXISTS test_clock;
    CREATE OR REPLACE FUNCTION test_clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT pg_catalog.now() + coalesce(nullif(current_setting('test.offset', true), ''), '0')::interval $$;
    CREATE OR REPLACE FUNCTION test_clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT test_clock.now() $$;
    SET search_path = test_clock, public, pg_catalog;
    SELECT set_config('test.offset', '0', false);
"""


class Clock:
    def __init__(self) -> None:
        self.offset = timedelta(0)
        real_now = timezone.now
        self._django = patch.object(timezone, "now", lambda: real_now() + self.offset)
        self._django.start()
        with connection.cursor() as cursor:
            cursor.execute(SETUP)

    def advance(self, *, days: float = 0, hours: float = 0) -> None:
        self.offset += timedelta(days=days, hours=hours)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('test.offset', %s, false)", [f"{self.offset.total_seconds()} seconds"])

    def go_to(self, moment: datetime) -> None:
        self.advance(hours=(moment - self.now()).total_seconds() / 3600)

    def now(self) -> datetime:
        return database_now()

    def today(self, time_zone: str = "UTC") -> date:
        return today_in(time_zone, self.now())

    def stop(self) -> None:
        self._django.stop()
        with connection.cursor() as cursor:
            cursor.execute("RESET search_path; SELECT set_config('test.offset', '0', false)")
