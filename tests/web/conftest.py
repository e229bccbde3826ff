from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from core.models import Account, BankAccount, Membership, User
from core.models.user import STAFF_PERMISSIONS
from tests.factories import MembershipFactory, PaymentMethodFactory, UserFactory
from tests.workflows.bank.statement_files import IBAN
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
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    account.payment_methods.add(PaymentMethodFactory(code="sepa", currency="EUR"))
    return account


@pytest.fixture
def drop(bookkeeper, bank_account, run_effects):
    """`drop(content)`: the answer after a file was uploaded and read."""

    def drop_(content, name="march.xml"):
        answer = bookkeeper.post("/desk/bank/", {"file": SimpleUploadedFile(name, content)}, follow=True)
        run_effects()
        return answer

    return drop_


def staff_of_all_duties() -> User:
    person: User = UserFactory(is_staff=True)
    own = Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS)
    person.user_permissions.set(own)
    return person


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client
