"""The migration by which accounts that have paid before are known, with the billing address of that day: 0033."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection
from django.utils import timezone

from core.models import Account
from engine import perform
from tests.factories import AccountFactory, MembershipFactory, PaymentFactory, StaffFactory

pytestmark = pytest.mark.django_db

migration = import_module("core.migrations.0033_paid_is_proved")


def know():
    migration.know(None, SimpleNamespace(connection=connection))


def old_account(state="", **fields):
    """An account of before, unknown as all were; with a claim in that state, where one is named."""
    account = AccountFactory(proved_at=None, proved_email="", **fields)
    if not state:
        return account
    owner = MembershipFactory(account=account).user
    payment = PaymentFactory(invoice__subscription__account=account, submitted_by=owner)
    if state == "failed":
        perform(payment.reject, by=StaffFactory(), admin_notes="", reason_code="not_received")
    elif state == "cancelled":
        perform(payment.withdraw, by=owner)
    elif state != "pending_approval":
        perform(payment.approve, by=StaffFactory())
    if state == "succeeded":
        perform(payment.settle)
    Account.objects.filter(pk=account.pk).update(proved_at=None, proved_email="")  # as before there was such a column
    return account


def known():
    return {row.name: row.proved_email for row in Account.objects.all() if row.proved_at is not None}


@pytest.mark.parametrize("state", ["approved", "succeeded"])
def test_account_with_an_approved_payment_is_known_by_its_billing_address(state):
    old_account(state, name="Paid", billing_email="Bills@Exämple.test")

    know()

    assert known() == {"Paid": "bills@xn--exmple-cua.test"}


@pytest.mark.parametrize("state", ["", "pending_approval", "failed", "cancelled"])
def test_account_without_one_stays_unknown(state):
    old_account(state)

    know()

    assert known() == {}


def test_account_without_a_billing_address_is_known_without_one():
    old_account("succeeded", name="Paid", billing_email="")

    know()

    assert known() == {"Paid": ""}


def test_account_that_is_known_already_keeps_when_and_by_which_address():
    account = old_account("succeeded")
    at = timezone.now()
    Account.objects.filter(pk=account.pk).update(proved_at=at, proved_email="before@acme.test")

    know()
    know()

    account.refresh_from_db()
    assert (account.proved_at, account.proved_email) == (at, "before@acme.test")


def test_more_accounts_than_one_batch_are_all_known(monkeypatch):
    monkeypatch.setattr(migration, "BATCH", 2)
    for number in range(5):
        old_account("approved", name=f"Paid {number}")

    know()

    assert len(known()) == 5
