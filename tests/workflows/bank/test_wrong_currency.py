"""A claim in one currency, and money in another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from core.models import Allocation, BalanceEntry, LinePayment, Payment, PaymentMethod
from core.problems import PermissionDenied, ValidationError, WrongState
from engine import perform
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory
from workflows.bank import Part, match_line
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db
CAME = Decimal("80.00")


@pytest.fixture
def claim(bank_account):
    """Of an invoice in USD."""
    return PaymentFactory(
        method=PaymentMethod.objects.get(code="sepa"), reference="UTR 998877", reference_key="UTR998877"
    )


def instead(line, claim, by, amount=CAME):
    return match_line(line, [Part(amount, payment=claim, is_instead=True)], by=by)


def test_claim_is_rejected_and_what_came_is_in_the_balance(line_of, claim, bookkeeper, run_effects, mailoutbox):
    line = line_of("80.00", claim.invoice.payment_reference)
    mailoutbox.clear()

    instead(line, claim, bookkeeper)
    run_effects()

    claim.refresh_from_db()
    claim.invoice.refresh_from_db()
    assert (claim.status, claim.reason_code, claim.decided_by) == ("failed", "wrong_currency", bookkeeper)
    assert (claim.invoice.status, claim.invoice.allocated) == ("pending", 0)
    assert not Allocation.objects.exists()
    payment = Payment.objects.exclude(pk=claim.pk).get()
    assert (payment.invoice, payment.currency, payment.received, payment.status, payment.retry_of) == (
        None, "EUR", CAME, "succeeded", claim,
    )  # fmt: skip
    entry = BalanceEntry.objects.get()
    assert (entry.account, entry.currency, entry.amount) == (claim.account, "EUR", CAME)
    assert (line.status, LinePayment.objects.get().payment) == ("matched", payment)
    subjects = " ".join(mail.subject for mail in mailoutbox)
    assert "Your payment of 80.00 EUR has arrived" in subjects
    assert claim.invoice.number in subjects
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_what_is_open_in_the_currency_that_came_is_paid(line_of, claim, bookkeeper, run_effects):
    euros = InvoiceFactory(subscription__account=claim.account, currency="EUR", total=Decimal("30.00"))
    line = line_of("80.00")

    instead(line, claim, bookkeeper)
    run_effects()

    euros.refresh_from_db()
    claim.invoice.refresh_from_db()
    assert (euros.status, claim.invoice.status, claim.invoice.allocated) == ("paid", "pending", 0)


def test_bank_s_id_may_be_the_reference_of_the_claim(line_of, claim, bookkeeper):
    line = line_of("80.00")
    line.bank_id = claim.reference

    instead(line, claim, bookkeeper)

    assert list(Payment.objects.order_by("id").values_list("status", "reference")) == [
        ("failed", claim.reference), ("approved", claim.reference),
    ]  # fmt: skip


def test_match_alone_still_refuses_another_currency(line_of, claim, bookkeeper):
    with pytest.raises(ValidationError) as refused:
        match_line(line_of("80.00"), [Part(CAME, payment=claim)], by=bookkeeper)
    assert "pays nothing in USD" in refused.value.members["errors"]["payments"][0]


def test_claim_in_the_currency_of_the_line_is_not_rejected(line_of, bank_account, bookkeeper):
    claim = PaymentFactory(invoice=InvoiceFactory(currency="EUR"), currency="EUR")

    with pytest.raises(ValidationError):
        instead(line_of("80.00"), claim, bookkeeper)
    with pytest.raises(ValidationError):
        match_line(line_of("81.00"), [Part(CAME, invoice=claim.invoice, is_instead=True)], by=bookkeeper)
    claim.refresh_from_db()
    assert (claim.status, Payment.objects.count()) == ("pending_approval", 1)


def test_claim_that_was_decided_meanwhile_changes_nothing(line_of, claim, bookkeeper):
    line = line_of("80.00")
    perform(Payment.objects.get().approve, by=StaffFactory())

    with pytest.raises(WrongState):
        instead(line, claim, bookkeeper)
    line.refresh_from_db()
    assert (line.status, Payment.objects.count()) == ("open", 1)


def test_member_of_the_account_rejects_and_credits_nothing(line_of, claim, bookkeeper):
    by = MembershipFactory(account=claim.account).user

    with pytest.raises(PermissionDenied):
        instead(line_of("80.00"), claim, by)
    assert Payment.objects.get().status == "pending_approval"
