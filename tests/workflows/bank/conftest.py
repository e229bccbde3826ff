from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from core.models import BankAccount, Invoice, PaymentMethod, StatementFile, StatementLine, User
from engine import create, perform
from tests.factories import InvoiceFactory, StaffFactory, SubscriptionFactory, sepa_bank_account
from tests.workflows.bank.statement_files import Row, camt
from workflows.bank import import_statement, save_bank_account
from workflows.bank.service_users import matching_user
from workflows.periods import database_now


@pytest.fixture
def bookkeeper(db) -> User:
    """Somebody who imports, matches and approves."""
    staff = StaffFactory()
    names = ["import_statements", "match_lines", "reverse_payment"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return staff


@pytest.fixture
def bank_account(db) -> BankAccount:
    return sepa_bank_account()


def make_automatic(account: BankAccount, *, by: User, limit: Decimal, duties: list[str]) -> User:
    """The account decides sure matches up to the limit; the user that does it has these rights."""
    user = matching_user()
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="core", codename__in=duties))
    save_bank_account(account, by=by, is_automatic=True, automatic_limit=limit)
    return user


def issued(total: str = "89.00", **fields: Any) -> Invoice:
    """An open invoice that is paid to `bank_account`."""
    method = PaymentMethod.objects.get(code="sepa")
    return InvoiceFactory(**{"currency": "EUR", "total": Decimal(total), "payment_method": method} | fields)


@pytest.fixture
def imported(bookkeeper, bank_account, run_effects):
    """`imported(content)`: the file, after a worker has read it."""

    def imported_(content: bytes, **given: Any) -> StatementFile:
        file, _ = import_statement(content, name="statement.xml", by=bookkeeper, **given)
        run_effects()
        file.refresh_from_db()
        return file

    return imported_


@pytest.fixture
def line_of(imported):
    """`line_of(amount, text)`: a booked line, of a statement of its own."""

    def line_of_(amount: str = "89.00", text: str = "", **row: Any) -> StatementLine:
        imported(camt(Row(amount, text, **row), opening=f"{StatementLine.objects.count()}.00"))
        return StatementLine.objects.select_related("bank_account").latest("id")

    return line_of_


@pytest.fixture
def lines(db):
    """All lines, in the order of their rows."""
    return lambda: list(StatementLine.objects.order_by("booked_on", "row", "occurrence"))


@pytest.fixture
def numbered(db):
    """`numbered("INV-000123")`: an open invoice of 50.00."""

    def numbered_(number: str) -> Invoice:
        subscription, today = SubscriptionFactory(currency="EUR"), database_now().date()
        invoice = Invoice(
            subscription=subscription, account=subscription.account, currency="EUR", total=Decimal("50.00")
        )
        create(invoice, total=invoice.total, currency="EUR")
        perform(invoice.issue, number=number, issued_on=today, due_on=today + timedelta(days=7), snapshot={})
        return invoice

    return numbered_
