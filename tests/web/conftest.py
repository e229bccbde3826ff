from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from core.models import Account, Membership, User
from tests.factories import MembershipFactory
from workflows.seed import seed


@pytest.fixture
def shop(db: None) -> None:
    """What a new installation offers: plans, methods, industries."""
    seed(stories=False)


@pytest.fixture
def visit() -> Callable[..., Client]:
    """`visit(account, role="viewer")`: a client of somebody who is signed in to that account."""

    def come(account: Account, *, role: str = Membership.Role.OWNER) -> Client:
        return signed_in(MembershipFactory(account=account, role=role).user)

    return come


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client
