from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission

from core.models import BankAccount, StatementFile, StatementLine, User
from tests.factories import PaymentMethodFactory, StaffFactory
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.bank import import_statement


@pytest.fixture
def bookkeeper(db) -> User:
    """Somebody who imports, matches and approves."""
    staff = StaffFactory()
    names = ["import_statements", "match_lines", "reverse_payment"]
    staff.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return staff


@pytest.fixture
def bank_account(db) -> BankAccount:
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    account.payment_methods.add(PaymentMethodFactory(code="sepa", currency="EUR"))
    return account


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
