from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.transaction import atomic, set_rollback

from tests.api.caller import BASE, Caller, is_problem
from tests.api.scenario import Scenario, build
from tests.api.scenario import digest as whole_digest

__all__ = ["BASE", "Caller", "is_problem"]


@pytest.fixture
def anybody(db: None) -> Caller:
    return Caller()


@pytest.fixture
def digest(db: None) -> Callable[[], list[Any]]:
    """What every table of ours holds: what a refused request must not change."""
    return whole_digest


@pytest.fixture(scope="module")
def scenario(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scenario]:
    """One for all tests of a module, which override `_django_db_helper` and roll back what they do."""
    transaction = atomic()
    transaction._from_testcase = True  # the engine sends no mail inside any other
    with django_db_blocker.unblock(), transaction:
        yield build()
        set_rollback(True)
