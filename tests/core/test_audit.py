"""The columns of the views in schema `audit` are a promise to everybody who reports from them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from core.models import BankAccount, StatementLine
from engine import perform
from engine.testing import run_effects as run_all
from tests.api.caller import staff
from tests.factories import PaymentFactory, StaffFactory
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.actions.credit_notes import write_credit_note
from workflows.bank import Part, import_statement, match_line
from workflows.refunds import Payee, request_refund

pytestmark = pytest.mark.django_db

COLUMNS = {
    "accounts": "id status credits",
    "subscriptions": "id account_id plan status period_start period_end",
    "invoices": "id account_id number currency total allocated status due_on payment_reference credited",
    "payments": "id account_id invoice_id currency amount received status submitted_by decided_by returned",
    "allocations": "payment_id invoice_id amount",
    "balance_entries": "id account_id currency amount payment_id refund_id",
    "refunds": "id account_id status currency amount reason bank_account_id reference requested_by approved_by sent_on"
    " line_id created_at",
    "credit_notes": "id account_id invoice_id status currency net tax total requested_by issued_by issued_on"
    " to_balance",
    "credit_entries": "id account_id amount kind key balance_after",
    "transitions": "id account_id machine object_id seq name source target actor_id cause_id at",
    "effects": "id account_id transition_id key kind state attempts run_at done_at last_error",
    "mails": "effect_id kind recipient message_id sent_at",
    "bank_lines": "id statement_id bank_account_id booked_on amount currency status",
    "line_payments": "line_id payment_id amount decided_by rule",
}


@pytest.mark.parametrize(("view", "columns"), COLUMNS.items())
def test_a_view_has_its_columns_and_shows_a_settled_payment(view, columns, run_effects, mailoutbox):
    payment = PaymentFactory(amount=100)
    perform(payment.approve, by=StaffFactory())
    run_effects()
    _match(payment)
    request_refund(
        payment.account, amount=Decimal(11), currency="USD", payee=Payee("Ann"), reason="overpaid",
        by=staff("request_refund").user,
    )  # fmt: skip
    assert payment.invoice is not None
    write_credit_note(payment.invoice, amount=Decimal(1), reason="audit", by=staff("write_credit_note").user)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM audit.{view}")
        assert [column.name for column in cursor.description] == columns.split()
        assert cursor.fetchall()


def test_a_mail_in_the_audit_is_a_mail_that_was_sent(run_effects, mailoutbox):
    PaymentFactory()
    run_effects()

    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, recipient, message_id FROM audit.mails ORDER BY kind")
        assert cursor.fetchall() == sorted(
            (m.extra_headers["X-Countersign-Kind"], m.to[0], m.extra_headers["Message-ID"]) for m in mailoutbox
        )


def test_a_bank_line_in_the_audit_is_the_line_of_the_statement(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    line = _match(payment)

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, bank_account_id, booked_on, amount, currency, status FROM audit.bank_lines")
        booked_on = date(2026, 3, 4)
        assert cursor.fetchall() == [(line.pk, line.bank_account_id, booked_on, payment.amount, "USD", "matched")]
        cursor.execute("SELECT line_id, payment_id, amount, decided_by, rule FROM audit.line_payments")
        assert cursor.fetchall() == [(line.pk, payment.pk, payment.amount, line.decided_by_id, "")]


def _match(payment):
    """The line of a bank statement that stands for it."""
    BankAccount.objects.create(name="Main", iban=IBAN, currency="USD")
    bookkeeper = staff("import_statements", "match_lines").user
    import_statement(camt(Row(f"{payment.amount}"), currency="USD"), name="statement.xml", by=bookkeeper)
    run_all()
    payment.refresh_from_db()
    line = StatementLine.objects.select_related("bank_account").get()
    return match_line(line, [Part(payment.received, payment=payment)], by=bookkeeper)
