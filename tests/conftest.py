"""What the tests of every room share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workflows.engine import run_due


@pytest.fixture(autouse=True)
def fast_passwords(settings) -> None:
    """Argon2 takes 50 ms by design; the tests of signing in do not test Argon2."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def run_effects() -> Callable[[], int]:
    """Pay whatever is due, in this process and with no broker; returns how many effects that were."""

    def pay() -> int:
        paid = 0
        while claimed := run_due():
            paid += claimed
        return paid

    return pay
