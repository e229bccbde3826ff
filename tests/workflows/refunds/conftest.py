from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from core.models import Account, BankAccount, Payment, Refund, User
from core.problems import ValidationError
from engine import perform
from tests.factories import InvoiceFactory, PaymentFactory, StaffFactory
from tests.workflows.bank.conftest import imported, lines
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN
from workflows.refunds import Payee, request_refund
from workflows.reporting.invariants import findings

__all__ = ["imported", "lines"]

PAYEE = Payee("Ann Example", OTHER_IBAN)


def laws_hold() -> bool:
    with connection.cursor() as cursor:
        broken = list(findings(cursor))
    print(broken)  # noqa: T201 - shown when they do not
    return broken == []


@contextmanager
def refused(words: str) -> Iterator[None]:
    """By a ValidationError that says so."""
    with pytest.raises(ValidationError) as refusal:
        yield
    assert words in str(refusal.value.members["errors"])


def staff_who(*duties: str) -> User:
    staff = StaffFactory()
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=duties))
    return staff


@pytest.fixture
def bookkeeper(db) -> User:
    return staff_who("import_statements", "match_lines", "review_payment", "approve_payment", "reverse_payment",
                     "request_refund")  # fmt: skip


@pytest.fixture
def manager(db) -> User:
    return staff_who("approve_refund")


@pytest.fixture
def bank_account(db) -> BankAccount:
    return BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR", holder="Example Seller Ltd")


@pytest.fixture
def overpaid(run_effects):
    """`overpaid("40.00")`: a settled payment of which so much is in the balance."""

    def overpaid_(more: str, account: Account | None = None, currency: str = "EUR") -> Payment:
        given = {"account": account, "subscription": None} if account else {}
        invoice = InvoiceFactory(currency=currency, total=Decimal("89.00"), **given)
        payment = PaymentFactory(
            invoice=invoice,
            account=invoice.account,
            currency=currency,
            reference=str(invoice.pk),
            reference_key=invoice.pk.hex,
        )
        perform(payment.approve, by=StaffFactory(), received=Decimal("89.00") + Decimal(more))
        run_effects()
        payment.refresh_from_db()
        return payment

    return overpaid_


@pytest.fixture
def requested(bookkeeper, bank_account):
    def requested_(account: Account, amount: str, **given: Any) -> Refund:
        facts = {"currency": "EUR", "payee": PAYEE, "reason": "overpaid", "bank_account": bank_account}
        return request_refund(account, amount=Decimal(amount), **{"by": bookkeeper, **facts, **given})

    return requested_


@pytest.fixture
def approved(requested, manager):
    def approved_(account: Account, amount: str, **given: Any) -> Refund:
        refund = requested(account, amount, **given)
        perform(refund.approve, by=manager)
        return refund

    return approved_
