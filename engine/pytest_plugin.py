from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from engine import testing


@pytest.fixture
def run_effects() -> Callable[[], int]:
    """Execute all that is due, without a broker; returns how many effects were claimed."""
    from engine import testing

    return testing.run_effects


@pytest.fixture
def advance() -> Callable[..., None]:
    """Let time pass: `advance(days=7)`."""
    from engine import testing

    return testing.advance


@pytest.fixture
def crash_after() -> Callable[[testing.Point], AbstractContextManager[None]]:
    """`with crash_after("work"): run_effects()` simulates the death of the process at that point."""
    from engine import testing

    return testing.crash_after


@pytest.fixture(autouse=True)
def unknown_pace() -> None:
    from engine import call_durations, throttles

    call_durations._mean.clear()
    throttles.sleeps_until_free = False


@pytest.fixture(autouse=True)
def nothing_is_stopped() -> Iterator[None]:
    """No pauses are read: the read each second would change counts of queries."""
    # `monkeypatch` would end after the fixtures of the database, in every test.
    from engine import blocked

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocked, "_known", blocked.Stops())
        patch.setattr(blocked, "_until", float("inf"))
        yield


@pytest.fixture(autouse=True, scope="session")
def truncation_between_tests() -> Iterator[None]:
    """Our triggers refuse the TRUNCATE that follows some tests: the owner disables them."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    truncate = DatabaseOperations.execute_sql_flush

    def with_triggers_off(self: DatabaseOperations, sql_list: list[str]) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
            tables = [table for (table,) in cursor.fetchall()]
        off, on = ([f"ALTER TABLE {table} {word} TRIGGER USER" for table in tables] for word in ("DISABLE", "ENABLE"))
        truncate(self, [*off, *sql_list, *on])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", with_triggers_off)
        yield
