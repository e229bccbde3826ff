"""What the tests of every room share."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.apps import apps
from django.db.backends.postgresql.operations import DatabaseOperations

from engine import pace, testing
from tests.clock import Clock

# Only for this process: the processes that tests start are the house as it is, without a toy.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.fixture(autouse=True)
def fast_passwords(settings) -> None:
    """Argon2 takes 50 ms by design; the tests of signing in do not test Argon2."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def unknown_pace() -> None:
    """What was slow in the test before is not expected to be slow in this one."""
    pace._mean.clear()


@pytest.fixture(autouse=True, scope="session")
def truncation_between_tests() -> Iterator[None]:
    """Tests that commit are followed by TRUNCATE, which our tables refuse: the owner may switch that off."""
    tables = [
        model._meta.db_table
        for app in ("engine", "core", "toy", "admin")
        for model in apps.get_app_config(app).get_models()
    ]
    truncate = DatabaseOperations.execute_sql_flush

    def with_triggers_off(self: DatabaseOperations, sql_list: list[str]) -> None:
        off, on = ([f"ALTER TABLE {table} {word} TRIGGER USER" for table in tables] for word in ("DISABLE", "ENABLE"))
        truncate(self, [*off, *sql_list, *on])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", with_triggers_off)
        yield


@pytest.fixture
def no_log() -> Iterator[None]:
    """Thousands of refusals are thousands of warnings."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def seed() -> int:
    """Of this test's random choices; shown when it fails."""
    chosen = random.randrange(10**6)
    random.seed(chosen)
    print(f"seed {chosen}")  # noqa: T201
    return chosen


@pytest.fixture
def run_effects() -> Callable[[], int]:
    """Pay whatever is due, in this process and with no broker; returns how many effects that were."""
    return testing.run_effects


@pytest.fixture
def clock(db: None) -> Iterator[Clock]:
    """Time that passes when the test says so; begins now."""
    clock = Clock()
    yield clock
    clock.stop()


@pytest.fixture
def live_through(clock: Clock, run_effects: Callable[[], int]) -> Callable[[int], None]:
    """Let days pass one by one, each with its work done."""

    def live(days: int) -> None:
        for _ in range(days):
            clock.advance(days=1)
            run_effects()

    return live


@pytest.fixture
def advance() -> Callable[..., None]:
    """Let time pass: `advance(days=7)`."""
    return testing.advance


@pytest.fixture
def crash_after() -> Callable[[testing.Point], AbstractContextManager[None]]:
    """`with crash_after("work"): run_effects()`: the process that pays dies at that point."""
    return testing.crash_after
