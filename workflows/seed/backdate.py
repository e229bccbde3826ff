"""A schema before pg_catalog in the search path replaces PostgreSQL's `now()` in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch
from uuid import UUID

from django.db import connection
from django.db.models import Min
from django.db.models.functions import Now
from django.utils import timezone

from engine import claim, lease, run_due
from engine.models import Effect
from workflows.periods import database_now

_SET_UP = """
    CREATE SCHEMA demo_clock;
    CREATE FUNCTION demo_clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT pg_catalog.now() - current_setting('demo_clock.ago')::interval $$;
    CREATE FUNCTION demo_clock.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT demo_clock.now() $$;
    SET LOCAL demo_clock.ago = '0';
    SET LOCAL search_path = demo_clock, public, pg_catalog"""
_TAKE_DOWN = """
    SET LOCAL search_path TO DEFAULT;
    DROP FUNCTION demo_clock.now, demo_clock.statement_timestamp;
    DROP SCHEMA demo_clock"""
NOT_SENT = {"withheld": "a story of the demo: nobody was told"}


class BackdatedClock:
    """The clock of one story; executes the effects that become due."""

    def __init__(self) -> None:
        self._ago = timedelta(0)

    def go_back(self, *, days: float) -> None:
        self._be(timedelta(days=days))

    def live(self, account: UUID, *, days: float = 0) -> None:
        """Execute what becomes due meanwhile."""
        target = max(self._ago - timedelta(days=days), timedelta(0))
        while True:
            _work_off(account)
            next_ = Effect.objects.filter(account_id=account, state=Effect.State.WAITING).aggregate(at=Min("run_at"))[
                "at"
            ]
            ago = None if next_ is None else self._ago - (next_ - database_now())
            if ago is None or ago <= target:
                break
            self._be(ago)
        self._be(target)
        _work_off(account)

    def now(self, real_now: datetime) -> datetime:
        return real_now - self._ago

    def _be(self, ago: timedelta) -> None:
        self._ago = ago
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('demo_clock.ago', %s, true)", [f"{ago.total_seconds()} seconds"])


@contextmanager
def backdated() -> Iterator[BackdatedClock]:
    """For the database and Django. Needs a transaction."""
    past, real_now = BackdatedClock(), timezone.now
    with connection.cursor() as cursor:
        cursor.execute(_SET_UP)
        with patch.object(timezone, "now", lambda: past.now(real_now())):
            yield past
        cursor.execute(_TAKE_DOWN)


def _work_off(account: UUID) -> None:
    """External effects are marked done without being sent. AssertionError if an effect failed."""
    mine = Effect.objects.filter(account_id=account)
    while True:
        mine.filter(state=Effect.State.WAITING, run_at__lte=Now()).update(state=Effect.State.READY)
        due = dict(mine.filter(state=Effect.State.READY).values_list("pk", "lane"))
        if not due:
            break
        outside = claim.claim_named([key for key, lane in due.items() if lane == "outward"])
        lease.finish_sent([lease.Sent(effect, NOT_SENT, took=0, at=0) for effect in outside])
        if inside := [key for key, lane in due.items() if lane != "outward"]:
            run_due(inside)
    assert not mine.exclude(last_error="").exists(), "an effect of a story failed"
