from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.models import Account, BankAccount, Membership, User
from tests.factories import MembershipFactory, sepa_bank_account, staff_of_all_duties
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


@pytest.fixture
def bookkeeper(db: None) -> Client:
    return signed_in(staff_of_all_duties())


@pytest.fixture
def bank_account(db: None) -> BankAccount:
    return sepa_bank_account()


@pytest.fixture
def drop(bookkeeper, bank_account, run_effects):
    """`drop(content)`: the answer after a file was uploaded and read."""

    def drop_(content, name="march.xml"):
        answer = bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile(name, content)}, follow=True)
        run_effects()
        return answer

    return drop_


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client
