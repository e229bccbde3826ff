"""The verb checks how staff split a payment."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Invoice, Payment
from core.models.payment import PlannedAllocation
from core.problems import PermissionDenied, ValidationError
from engine import perform
from engine.models import Transition
from tests.factories import InvoiceFactory, PaymentFactory, StaffFactory, UserFactory
from workflows.actions import approve_payment

pytestmark = pytest.mark.django_db


def refusal(payment, **inputs):
    with pytest.raises(ValidationError) as refused:
        perform(payment.approve, by=StaffFactory(), **inputs)
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PENDING_APPROVAL
    assert not Transition.objects.filter(object_id=payment.pk, name="approve").exists()
    return refused.value.members["errors"]


def to(invoice, amount):
    return {"invoice": str(getattr(invoice, "pk", invoice)), "amount": amount}


def test_approve_refuses_parts_above_what_was_received():
    payment = PaymentFactory(amount=Decimal("89.00"))
    other = InvoiceFactory(account=payment.account)

    lines = [to(payment.invoice, "60.00"), to(other, "40.00")]

    assert refusal(payment, allocations=lines) == {"allocations": ["The parts are more than what was received."]}
    assert refusal(payment, received=Decimal("99.99"), allocations=lines).keys() == {"allocations"}


def test_approve_refuses_an_invoice_named_twice():
    payment = PaymentFactory(amount=Decimal("89.00"))

    lines = [to(payment.invoice, "10.00"), to(str(payment.invoice_id).upper(), "20.00")]

    assert refusal(payment, allocations=lines) == {"allocations": ["Name each invoice once."]}


@pytest.mark.parametrize("amount", ["0", "-1.00", "NaN", "Infinity", "1.001", "1000000000000"])
def test_approve_refuses_amounts_that_nobody_can_pay(amount):
    payment = PaymentFactory(amount=Decimal("89.00"))

    assert refusal(payment, received=Decimal(amount)).keys() == {"received"}
    assert refusal(payment, allocations=[to(payment.invoice, amount)]).keys() == {"allocations"}


def test_approve_payment_refuses_invoices_of_others():
    payment, foreign = PaymentFactory(amount=Decimal("89.00")), InvoiceFactory()
    in_euro = InvoiceFactory(account=payment.account, currency="EUR")

    for invoice in (foreign, in_euro):
        parts = [
            PlannedAllocation(payment.invoice_id, Decimal("10.00")),
            PlannedAllocation(invoice.pk, Decimal("1.00")),
        ]
        with pytest.raises(ValidationError) as refused:
            approve_payment(payment, by=StaffFactory(), allocations=parts)
        assert refused.value.members["errors"] == {"allocations": ["Name invoices of this account and currency."]}
    payment.refresh_from_db()
    assert payment.status == Payment.Status.PENDING_APPROVAL


def test_approve_payment_tells_only_its_reviewers_whose_an_invoice_is():
    payment, foreign = PaymentFactory(), InvoiceFactory()

    for invoice in (foreign, payment.invoice):
        with pytest.raises(PermissionDenied):
            approve_payment(payment, by=UserFactory(), allocations=[PlannedAllocation(invoice.pk, Decimal("1.00"))])


def test_the_plan_is_kept_in_one_shape_and_settled_by_it(run_effects):
    payment = PaymentFactory(amount=Decimal("89.00"))
    other = InvoiceFactory(account=payment.account)
    parts = [PlannedAllocation(payment.invoice_id, Decimal("30.00")), PlannedAllocation(other.pk, Decimal("50.50"))]

    decision = approve_payment(payment, by=StaffFactory(), allocations=parts)

    payment.refresh_from_db()
    assert payment.planned_allocations == parts
    assert Transition.objects.get(pk=decision.pk).inputs["allocations"] == payment.allocation_plan
    run_effects()
    assert Invoice.objects.get(pk=payment.invoice_id).allocated == Decimal("38.50")  # what was left meets what is open
    assert Invoice.objects.get(pk=other.pk).allocated == Decimal("50.50")
