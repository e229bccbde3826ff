"""A clock that can be moved: PostgreSQL's own now(), shadowed by one with an offset, and Django's. For one session."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection
from django.db.backends.signals import connection_created
from django.utils import timezone

from workflows.periods import database_now, today_in

SCHEMA = "movable_clock"
SEARCHED = f"{SCHEMA}, public, pg_catalog"
_SETUP = f"""
    CREATE SCHEMA IF NOT EXISTS {SCHEMA};
    CREATE OR REPLACE FUNCTION {SCHEMA}.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT pg_catalog.now() + coalesce(nullif(current_setting('{SCHEMA}.offset', true), ''), '0')::interval $$;
    CREATE OR REPLACE FUNCTION {SCHEMA}.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT {SCHEMA}.now() $$;
    SET search_path = {SEARCHED}; SELECT set_config('{SCHEMA}.offset', '0', false);
"""
_STOP = f"RESET search_path; SELECT set_config('{SCHEMA}.offset', '0', false)"


class Clock:
    def __init__(self) -> None:
        self.offset = timedelta(0)
        real_now = timezone.now
        self._django = patch.object(timezone, "now", lambda: real_now() + self.offset)
        self._django.start()
        with connection.cursor() as cursor:
            cursor.execute(_SETUP)
        connection_created.connect(self._go_on)

    def advance(self, *, days: float = 0, hours: float = 0) -> None:
        self.offset += timedelta(days=days, hours=hours)
        self._tell()

    def go_to(self, moment: datetime) -> None:
        self.advance(hours=(moment - self.now()).total_seconds() / 3600)

    def now(self) -> datetime:
        return database_now()

    def today(self, time_zone: str = "UTC") -> date:
        return today_in(time_zone, self.now())

    def stop(self) -> None:
        connection_created.disconnect(self._go_on)
        self._django.stop()
        with connection.cursor() as cursor:
            cursor.execute(_STOP)

    def _go_on(self, **_: Any) -> None:
        # A new session, after a timeout for instance, has no offset.
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path = {SEARCHED}")
        self._tell()

    def _tell(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT set_config('{SCHEMA}.offset', %s, false)", [f"{self.offset.total_seconds()} seconds"]
            )
