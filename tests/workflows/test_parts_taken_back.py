"""The bank takes a part of a payment back: the rest stays paid."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic, set_rollback

from core.models import Allocation, BalanceEntry, CreditEntry, Payment
from core.problems import ValidationError, WrongState
from engine import perform
from engine.models import Effect, Transition
from engine.registry import kinds
from workflows.actions import reverse_payment
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db
PART = Decimal("40.00")


def take(payment, amount, by):
    return reverse_payment(payment, by=by, reason_given="a part bounced", amount=Decimal(amount))


def status(*rows) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.status for row in rows]


def placed(payment) -> tuple[Decimal, Decimal]:
    lines = Allocation.objects.filter(payment=payment), BalanceEntry.objects.filter(payment=payment)
    allocated, kept = (sum(line.values_list("amount", flat=True), Decimal(0)) for line in lines)
    return allocated, kept


def broken() -> list[str]:
    with connection.cursor() as cursor:
        return list(findings(cursor))


@pytest.fixture
def paid(active):
    """An account that is active by a payment of 89.00."""
    signed = active()
    return signed, signed.invoice.payments.get()


def test_rest_stays_paid_and_the_invoice_waits_for_the_part(paid, controller, run_effects, mailoutbox):
    signed, payment = paid
    mailoutbox.clear()

    take(payment, "40.00", controller)
    run_effects()

    assert status(payment, signed.invoice, signed.subscription, signed.account) == [
        "succeeded", "partially_paid", "past_due", "past_due",
    ]  # fmt: skip
    assert (payment.received, payment.returned, payment.kept) == (Decimal(89), PART, Decimal(49))
    assert (signed.invoice.allocated, signed.invoice.outstanding) == (Decimal(49), PART)
    assert placed(payment) == (Decimal(49), 0)
    assert signed.account.credits == 0
    told = next(mail for mail in mailoutbox if "A part of your payment" in mail.subject)
    assert "40.00 USD of your payment was returned" in told.body
    assert "a part bounced" in told.body
    assert broken() == []


def test_reminders_begin_again(paid, controller, run_effects, mailoutbox, live_through):
    signed, payment = paid
    take(payment, "40.00", controller)
    run_effects()
    mailoutbox.clear()

    live_through(20)

    assert status(signed.subscription)[0] in ("suspended", "cancelled")
    assert any("40.00" in mail.body for mail in mailoutbox)


def test_part_that_is_paid_again_opens_the_service(paid, controller, run_effects, pay):
    signed, payment = paid
    take(payment, "40.00", controller)
    run_effects()

    pay(signed.invoice)

    assert status(signed.invoice, signed.subscription, signed.account) == ["paid", "active", "active"]
    assert signed.account.credits == 1000
    assert broken() == []


def test_what_lies_in_the_balance_is_taken_before_what_is_paid(customer, pay, controller, run_effects):
    signed = customer()
    payment = pay(signed.invoice, amount=Decimal("119.00"))
    assert balance_of(signed.account.pk) == {"USD": Decimal(30)}

    take(payment, "20.00", controller)
    run_effects()
    assert (balance_of(signed.account.pk), status(signed.invoice)) == ({"USD": Decimal(10)}, ["paid"])
    assert not Transition.objects.filter(machine="invoice", name="release").exists()
    take(payment, "15.00", controller)
    run_effects()

    assert (balance_of(signed.account.pk), status(signed.invoice)) == ({}, ["partially_paid"])
    assert signed.invoice.outstanding == Decimal(5)
    assert placed(payment) == (Decimal(84), 0)
    assert payment.returned == Decimal(35)
    assert broken() == []


def test_what_was_paid_last_is_open_first(customer, pay, controller, run_effects, up_to_renewal):
    signed = customer()
    payment = pay(signed.invoice, amount=Decimal("178.00"))
    up_to_renewal(signed)
    later = signed.subscription.invoices.get(purpose="renewal")
    assert status(later) == ["paid"]

    take(payment, "40.00", controller)
    run_effects()

    assert status(signed.invoice, later, signed.account) == ["paid", "partially_paid", "active"]
    assert broken() == []


def test_reversal_after_a_part_takes_only_the_rest(paid, controller, run_effects, mailoutbox):
    signed, payment = paid
    take(payment, "40.00", controller)
    run_effects()
    mailoutbox.clear()

    perform(payment.reverse, by=controller, reason_given="the rest as well")
    run_effects()

    assert status(payment, signed.invoice) == ["reversed", "pending"]
    assert placed(payment) == (0, 0)
    assert payment.returned == PART
    assert "So 49.00 USD of the invoice is open again" in " ".join(mailoutbox[0].body.split())
    assert broken() == []


def test_all_that_is_left_is_a_reversal(paid, controller, run_effects):
    signed, payment = paid
    take(payment, "40.00", controller)
    take(payment, "49.00", controller)
    run_effects()

    assert status(payment, signed.invoice) == ["reversed", "pending"]
    assert placed(payment) == (0, 0)
    assert list(Transition.objects.filter(object_id=payment.pk, name__startswith="reverse").values_list("name")) == [
        ("reverse_part",), ("reverse",),
    ]  # fmt: skip
    assert broken() == []


def test_two_parts_before_either_is_worked_off(paid, controller, run_effects):
    signed, payment = paid
    take(payment, "10.00", controller)
    take(payment, "20.00", controller)
    assert placed(payment) == (Decimal(89), 0)

    run_effects()

    assert placed(payment) == (Decimal(59), 0)
    assert status(signed.invoice) == ["partially_paid"]
    assert broken() == []


def test_reversal_is_worked_off_once(paid, controller, run_effects):
    _, payment = paid
    take(payment, "40.00", controller)
    effect = Effect.objects.get(kind="payment.unsettle")
    unsettle = kinds["payment.unsettle"].run
    with atomic():  # killed before its commit
        unsettle(Payment.objects.get(), effect)
        assert placed(payment) == (Decimal(49), 0)
        set_rollback(True)
    assert placed(payment) == (Decimal(89), 0)
    run_effects()
    before = Transition.objects.count(), Allocation.objects.count(), CreditEntry.objects.count()

    with atomic():
        unsettle(Payment.objects.get(), effect)

    assert (Transition.objects.count(), Allocation.objects.count(), CreditEntry.objects.count()) == before
    assert placed(payment) == (Decimal(49), 0)


@pytest.mark.parametrize("amount", ["0", "-1", "89.01", "0.001"])
def test_impossible_part_is_refused(paid, controller, amount):
    _, payment = paid

    with pytest.raises(ValidationError):
        take(payment, amount, controller)
    payment.refresh_from_db()
    assert (payment.status, payment.returned) == ("succeeded", 0)


def test_part_needs_a_reason(paid, controller):
    _, payment = paid

    with pytest.raises(ValidationError):
        perform(payment.reverse_part, by=controller, amount=PART, reason_given=" ")


def test_stale_copy_of_a_payment_takes_no_more_than_is_left(paid, controller):
    _, payment = paid
    stale = Payment.objects.get()
    take(payment, "60.00", controller)

    with pytest.raises(ValidationError) as refused:
        take(stale, "40.00", controller)
    assert "29.00 USD are left" in refused.value.members["errors"]["amount"][0]


def test_part_of_what_is_not_settled_is_refused(customer, pay, controller):
    payment = pay(customer().invoice, settle=False)

    with pytest.raises(WrongState):
        take(payment, "40.00", controller)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("returned = 89", "payment_returned_is_a_part"),
        ("returned = -1", "payment_returned_is_a_part|is frozen"),
        ("returned = 39", "returned is frozen"),
    ],
)
def test_database_keeps_what_was_taken_back_within_what_came(paid, controller, change, why):
    _, payment = paid
    take(payment, "40.00", controller)

    with pytest.raises(IntegrityError, match=why), atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_payment SET {change}")
