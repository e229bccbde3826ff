from __future__ import annotations

import gc
import logging
import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from math import ceil

import pytest
from django.apps import apps
from django.db.models import Min

from tests.clock import Clock

# Only for this process: the processes that tests start have no toy.
os.environ.pop("DJANGO_SETTINGS_MODULE", None)
gc.disable()  # until all tests are collected: of what is made meanwhile nothing is garbage


def pytest_collection_finish() -> None:
    """What was collected stays, and is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def fast_passwords(settings) -> None:
    """Argon2 takes 50 ms by design; the tests of signing in do not test Argon2."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def brand_of_this_test(monkeypatch) -> Iterator[None]:
    """Pages keep it for a minute: not beyond the test, and all of it."""
    from workflows.mail import brand

    monkeypatch.setattr(brand, "KEPT_SECONDS", 3600)
    yield
    brand.forget_brand()


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
def clock(db: None) -> Iterator[Clock]:
    """Time that passes when the test says so; begins now."""
    clock = Clock()
    yield clock
    clock.stop()


@pytest.fixture
def live_through(clock: Clock, run_effects: Callable[[], int]) -> Callable[[int], None]:
    """Let days pass one by one, each with its work done. Days on which nothing is due pass together."""

    def live(days: int) -> None:
        while days > 0:
            step = min(days, _days_until_due(clock))
            clock.advance(days=step)
            days -= step
            run_effects()

    return live


def _days_until_due(clock: Clock) -> int:
    """Whole days after which the next effect is due; at least one."""
    effects = apps.get_model("engine", "Effect").objects  # Django has no models yet when this file is imported
    due = effects.filter(state__in=["waiting", "ready", "leased"]).aggregate(at=Min("run_at"))["at"]
    return 10**6 if due is None else max(1, ceil((due - clock.now()) / timedelta(days=1)))
