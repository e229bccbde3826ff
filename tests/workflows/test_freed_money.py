"""Money of what is voided or over goes to the balance, and the balance pays what is open."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Account, Allocation, Invoice, Subscription
from core.problems import PermissionDenied, WrongState
from engine import perform
from tests.factories import PaymentMethodFactory, StaffFactory
from tests.workflows.customers import renewal, status
from workflows.actions import choose_plan, record_payment, void_invoice
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_books_are_in_order(clock):
    yield
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


@pytest.mark.parametrize(
    ("paid", "end"),
    [
        ("50.00", "cancelled"),
        ("50.00", "closed"),
        ("50.00", "given up"),
        ("89.00", "cancelled"),
        ("89.00", "closed"),
    ],
)
def test_money_for_a_period_that_never_begins_goes_to_the_balance(
    active, up_to_renewal, pay, controller, run_effects, live_through, paid, end
):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed), amount=Decimal(paid))

    if end == "cancelled":
        perform(Subscription.objects.get().cancel, by=signed.user)
    elif end == "closed":
        perform(Account.objects.get().close, by=controller)
    else:
        live_through(60)
    run_effects()

    assert status(renewal(signed)) == ["void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal(paid)}


def test_the_rest_of_what_ended_goes_to_the_balance_too(active, up_to_renewal, pay, live_through, receive):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed), amount=Decimal("50.00"))
    live_through(60)
    assert status(signed.account) == ["expired"]

    receive(renewal(signed), "39.00")

    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}


def test_returning_customer_is_not_charged_again_for_money_paid_ahead(active, plans, up_to_renewal, pay, run_effects):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed))
    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    choose_plan(signed.account, plans["starter"], by=signed.user)
    run_effects()

    assert status(signed.account) == ["active"]
    assert balance_of(signed.account.pk) == {}


def test_money_stays_on_a_period_that_has_begun(active, run_effects):
    signed = active()

    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    assert status(signed.invoice) == ["paid"]
    assert balance_of(signed.account.pk) == {}


def test_of_what_was_given_and_is_paid_in_part_nobody_expects_the_rest_when_it_is_over(
    active, controller, run_effects, live_through, receive
):
    signed = active()
    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()
    receive(signed.invoice, "40.00")

    live_through(60)

    assert status(signed.account, signed.invoice) == ["expired", "uncollectible"]
    assert balance_of(signed.account.pk) == {}


def test_a_claim_for_a_voided_sign_up_opens_the_next_one(customer, plans, pay, controller, run_effects):
    signed = customer()
    claim = pay(signed.invoice, settle=False)
    void_invoice(signed.invoice, by=controller)
    run_effects()
    choose_plan(signed.account, plans["starter"], by=signed.user)
    run_effects()

    perform(claim.approve, by=StaffFactory())
    run_effects()

    assert status(signed.account) == ["active"]
    assert balance_of(signed.account.pk) == {}


def test_overpayment_pays_an_open_upgrade(active, plans, receive):
    signed = active()
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)

    receive(signed.invoice, "170.00")

    assert status(step_up) == ["paid"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("70.00")}
    assert Subscription.objects.get().plan.code == "growth"


def test_a_balance_pays_the_oldest_that_is_due_first_and_a_step_up_last(
    active, plans, up_to_renewal, controller, run_effects, receive
):
    signed = active()
    up_to_renewal(signed, after=-3)
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    due = renewal(signed)

    receive(signed.invoice, "95.00")

    due.refresh_from_db()
    step_up.refresh_from_db()
    assert (due.allocated, step_up.allocated) == (Decimal("89.00"), Decimal("6.00"))


def test_the_rest_of_a_payment_that_staff_divided_meets_what_is_open(customer, receive):
    signed = customer()

    payment = receive(signed.invoice, "89.00", allocations=[{"invoice": str(signed.invoice.pk), "amount": "30.00"}])

    assert status(signed.invoice, signed.account) == ["paid", "active"]
    assert list(payment.allocations.order_by("pk").values_list("amount", flat=True)) == [Decimal(30), Decimal(59)]


def test_an_effect_allocates_once(active):
    signed = active()
    line = Allocation.objects.get()

    with pytest.raises(IntegrityError, match="allocation_once_by_effect"), atomic():
        Allocation.objects.create(
            account=signed.account,
            payment=line.payment,
            invoice=signed.invoice,
            amount=Decimal(1),
            effect_id=line.effect_id,
        )


def test_bank_fee_tolerance_does_not_apply_to_a_balance(customer, pay, up_to_renewal):
    PaymentMethodFactory(tolerance_percent=Decimal(5), tolerance_max=Decimal(15))
    signed = customer()

    pay(signed.invoice, amount=Decimal("174.00"))
    up_to_renewal(signed)

    renewed = renewal(signed)
    assert (renewed.written_off, renewed.outstanding) == (Decimal(0), Decimal("4.00"))


def test_a_bounce_meets_a_balance_that_came_meanwhile(active, plans, controller, run_effects, receive):
    signed = active()
    first = signed.invoice.payments.get()
    receive(signed.invoice, "100.00")

    perform(first.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert status(signed.invoice, signed.account) == ["paid", "active"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("11.00")}


@pytest.mark.parametrize(("then", "becomes"), [("10.00", "partially_paid"), ("29.00", "paid")])
def test_what_was_written_off_and_is_paid_in_part_after_all_meets_the_balance(
    active, up_to_renewal, controller, receive, then, becomes
):
    signed = active()
    up_to_renewal(signed)
    demanded = renewal(signed)
    perform(demanded.write_off, by=controller)
    receive(signed.invoice, "60.00")
    assert balance_of(signed.account.pk) == {"USD": Decimal("60.00")}  # nothing is open

    receive(demanded, then, reference="LATE")

    demanded.refresh_from_db()
    assert (demanded.status, demanded.allocated) == (becomes, Decimal("60.00") + Decimal(then))
    assert balance_of(signed.account.pk) == {}


def test_what_lies_on_a_step_up_that_was_written_off_is_free_when_its_period_is_over(
    active, plans, up_to_renewal, live_through, pay, controller, receive
):
    signed = active()
    live_through(20)
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    receive(step_up, "7.00", reference="PART")
    perform(Invoice.objects.get(pk=step_up.pk).write_off, by=controller)
    up_to_renewal(signed)
    pay(renewal(signed))

    up_to_renewal(signed, after=1)

    step_up.refresh_from_db()
    assert (step_up.status, step_up.allocated) == ("uncollectible", Decimal("0.00"))
    assert balance_of(signed.account.pk) == {"USD": Decimal("7.00")}


def test_money_in_another_currency_meets_nothing(active, plans, receive, run_effects):
    signed = active()
    _, step_up = choose_plan(signed.account, plans["growth"], by=signed.user)
    payment = record_payment(
        invoice=signed.invoice,
        method=PaymentMethodFactory(),
        amount=Decimal("500.00"),
        currency="EUR",
        reference="EURO",
        by=StaffFactory(),
    )

    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert status(step_up) == ["pending"]
    assert balance_of(signed.account.pk) == {"EUR": Decimal("500.00")}


@pytest.mark.parametrize("case", ["not allowed", "paid", "given"])
def test_void_is_refused_and_changes_nothing(active, customer, pay, controller, run_effects, receive, case):
    signed = customer() if case == "not allowed" else active()
    if case == "given":
        perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
        run_effects()
    if case != "paid":
        receive(signed.invoice, "40.00")
    before = status(signed.invoice)

    with pytest.raises(PermissionDenied if case == "not allowed" else WrongState):
        void_invoice(signed.invoice, by=StaffFactory() if case == "not allowed" else controller, to_balance=True)

    assert status(signed.invoice) == before
    assert Invoice.objects.get(pk=signed.invoice.pk).allocated == (Decimal(89) if case == "paid" else Decimal(40))


def test_voiding_a_part_paid_invoice_needs_a_choice_about_the_money(customer, controller, receive):
    signed = customer()
    receive(signed.invoice, "40.00")

    with pytest.raises(WrongState) as refused:
        void_invoice(signed.invoice, by=controller)

    assert refused.value.members["object_status"] == "partially_paid"
    assert status(signed.invoice) == ["partially_paid"]


def test_who_cancels_what_is_paid_ahead_is_told_where_the_money_is(active, up_to_renewal, pay, run_effects, mailoutbox):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed))
    mailoutbox.clear()

    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    (farewell,) = mailoutbox
    assert "What you paid for what did not begin, 89.00 USD, is in your balance." in farewell.body


def test_who_is_suspended_reads_for_which_days_they_would_pay(active, up_to_renewal, mailoutbox):
    signed = active()
    up_to_renewal(signed, after=12)
    assert status(signed.account) == ["suspended"]

    told = next(mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "subscription_suspended")

    assert "the days of the suspension among them" in told.body


def test_one_payment_restores_the_credits_of_two_invoices(active, up_to_renewal, controller, run_effects, receive):
    signed = active()
    receive(signed.invoice, "89.00", reference="AHEAD")
    first, ahead = signed.account.payments.order_by("pk")
    up_to_renewal(signed, after=1)
    assert Account.objects.get().credits == 2000
    for payment in (first, ahead):
        perform(payment.reverse, by=controller, reason_given="bounced")
        run_effects()
    assert Account.objects.get().credits == 0

    receive(signed.invoice, "178.00", reference="AGAIN")

    assert status(signed.invoice, renewal(signed), signed.account) == ["paid", "paid", "active"]
    assert Account.objects.get().credits == 2000


def test_money_for_what_was_given_and_is_over_leaves_nothing_open(active, controller, run_effects, receive):
    signed = active()
    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()
    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()
    assert status(signed.invoice) == ["uncollectible"]

    receive(signed.invoice, "40.00")

    assert status(signed.invoice) == ["uncollectible"]
    assert Invoice.objects.get(pk=signed.invoice.pk).allocated == Decimal("40.00")


def test_a_bounce_after_the_end_leaves_nothing_open(active, controller, run_effects):
    signed = active()
    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()

    assert status(signed.invoice, signed.account) == ["uncollectible", "expired"]


def test_past_due_account_recovers_when_staff_void_the_invoice(active, controller, run_effects):
    signed = active()
    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()
    assert status(signed.account) == ["past_due"]
    signed.invoice.refresh_from_db()

    void_invoice(signed.invoice, by=controller)
    run_effects()

    assert status(signed.invoice, signed.account) == ["void", "active"]
