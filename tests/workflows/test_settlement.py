from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Account, BalanceEntry, CreditEntry, Invoice, Payment
from engine import perform, perform_many, run_due
from engine.models import Effect, Transition
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory

pytestmark = pytest.mark.django_db


def test_approving_a_payment_activates_the_account(run_effects, mailoutbox):
    payment, staff = PaymentFactory(), StaffFactory()
    run_effects()
    mailoutbox.clear()

    perform(payment.approve, by=staff, admin_notes="seen on the statement of 3 May")
    run_effects()

    account = payment.invoice.account
    account.refresh_from_db()
    payment.refresh_from_db()
    payment.invoice.refresh_from_db()
    payment.invoice.subscription.refresh_from_db()
    assert account.status == Account.Status.ACTIVE
    assert account.credits == 1000
    assert payment.status == Payment.Status.SUCCEEDED
    assert payment.invoice.status == Invoice.Status.PAID
    assert payment.invoice.subscription.status == "active"
    assert [mail.subject for mail in mailoutbox] == ["Welcome, Demo Ltd: your payment has arrived"]


def test_every_step_leads_back_to_the_person_who_approved(run_effects):
    payment, staff = PaymentFactory(), StaffFactory()

    decision = perform(payment.approve, by=staff)
    run_effects()

    steps = {f"{t.machine}.{t.name}" for t in Transition.objects.filter(cause=decision)}
    assert steps == {"payment.settle", "invoice.pay", "subscription.activate", "account.activate"}
    assert CreditEntry.objects.get().cause == decision
    assert decision.actor == staff


def test_an_underpaid_invoice_stays_open_for_the_rest(run_effects, mailoutbox):
    payment = PaymentFactory()
    run_effects()
    mailoutbox.clear()

    perform(payment.approve, by=StaffFactory(), received=Decimal("77.00"))
    run_effects()

    payment.invoice.refresh_from_db()
    payment.account.refresh_from_db()
    assert payment.invoice.status == Invoice.Status.PARTIALLY_PAID
    assert payment.account.status == Account.Status.PENDING_PAYMENT
    assert payment.account.credits == 0
    assert "12.00 USD still open" in [mail.subject for mail in mailoutbox][-1] + mailoutbox[0].subject


def test_two_payments_of_one_invoice_settle_together(run_effects):
    first = PaymentFactory(amount=Decimal("50.00"))
    second = PaymentFactory(
        invoice=first.invoice, amount=Decimal("50.00"), reference_key="2", submitted_by=first.submitted_by
    )
    run_effects()

    perform_many([first.approve, second.approve], by=StaffFactory())
    run_effects()

    first.invoice.refresh_from_db()
    assert first.invoice.status == Invoice.Status.PAID
    assert BalanceEntry.objects.get().amount == Decimal("11.00")
    assert [e.amount for e in CreditEntry.objects.all()] == [1000]


def test_money_for_a_paid_invoice_goes_to_the_balance(run_effects):
    first = PaymentFactory()
    second = PaymentFactory(invoice=first.invoice, reference_key="2", submitted_by=first.submitted_by)
    staff = StaffFactory()
    perform(first.approve, by=staff)
    run_effects()

    perform(second.approve, by=staff)
    run_effects()

    second.refresh_from_db()
    assert second.status == Payment.Status.SUCCEEDED
    assert BalanceEntry.objects.get().amount == Decimal("89.00")


def test_twenty_payments_settle_in_a_constant_number_of_statements(run_effects, django_assert_max_num_queries):
    payments = [PaymentFactory(invoice=InvoiceFactory(), reference_key=str(n)) for n in range(20)]
    run_effects()
    perform_many([payment.approve for payment in payments], by=StaffFactory())

    due = list(Effect.objects.filter(kind="payment.settle").values_list("pk", flat=True))

    with django_assert_max_num_queries(32):
        run_due(due)

    assert Account.objects.filter(status="active", credits=1000).count() == 20


def test_a_member_of_another_account_is_no_member(run_effects):
    payment = PaymentFactory()
    stranger = MembershipFactory().user

    assert not payment.may_be_withdrawn_by(stranger)
    assert payment.may_be_withdrawn_by(payment.submitted_by)
