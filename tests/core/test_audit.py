"""The columns of the views in schema `audit` are a promise to everybody who reports from them."""

from __future__ import annotations

import pytest
from django.db import connection

from engine import perform
from tests.factories import PaymentFactory, StaffFactory

pytestmark = pytest.mark.django_db

COLUMNS = {
    "accounts": "id status credits",
    "subscriptions": "id account_id plan status period_start period_end",
    "invoices": "id account_id number currency total allocated status due_on payment_reference",
    "payments": "id account_id invoice_id currency amount received status submitted_by decided_by",
    "allocations": "payment_id invoice_id amount",
    "balance_entries": "id account_id currency amount payment_id",
    "credit_entries": "id account_id amount kind key balance_after",
    "transitions": "id account_id machine object_id seq name source target actor_id cause_id at",
    "effects": "id account_id transition_id key kind state attempts run_at done_at last_error",
    "mails": "effect_id kind recipient message_id sent_at",
}


@pytest.mark.parametrize(("view", "columns"), COLUMNS.items())
def test_a_view_has_its_columns_and_shows_a_settled_payment(view, columns, run_effects, mailoutbox):
    payment = PaymentFactory(amount=100)
    perform(payment.approve, by=StaffFactory())
    run_effects()

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
