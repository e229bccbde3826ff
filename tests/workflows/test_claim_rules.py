"""The verb checks claims, so that page, API, import and command refuse alike."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.models import Payment
from core.problems import ValidationError
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory, StaffFactory
from workflows.actions import claim_payment, record_payment

pytestmark = pytest.mark.django_db

EVERYTHING = ["reference", "notes", "proof_url", "paid_on", "payer_name"]


def owner_of(invoice):
    return MembershipFactory(account=invoice.account).user


def facts(invoice, method, **more):
    return {
        "invoice": invoice,
        "method": method,
        "amount": invoice.total,
        "currency": invoice.currency,
        "reference": "R1",
        **more,
    }


def refusal(verb, **given):
    with pytest.raises(ValidationError) as refused:
        verb(**given)
    assert not Payment.objects.exists()
    return refused.value.members["errors"]


def test_claim_payment_refuses_what_misses_what_the_method_requires():
    invoice, method = InvoiceFactory(), PaymentMethodFactory(name="The Bank", requires=EVERYTHING)

    errors = refusal(claim_payment, **facts(invoice, method, reference=""), by=owner_of(invoice))

    assert errors == {name: ["The Bank needs this."] for name in EVERYTHING}
    given = {"notes": "n", "proof_url": "https://a.test/p", "paid_on": timezone.now().date(), "payer_name": "Ann"}
    assert claim_payment(**facts(invoice, method, **given), by=owner_of(invoice)).status == "pending_approval"


def test_claim_payment_names_everything_that_is_wrong_at_once():
    invoice, method = InvoiceFactory(), PaymentMethodFactory(requires=["payer_name"])
    future = timezone.now().date() + timedelta(days=4)

    wrong = facts(invoice, method, amount=Decimal("1.001"), paid_on=future)

    assert refusal(claim_payment, **wrong, by=owner_of(invoice)).keys() == {"amount", "paid_on", "payer_name"}


@pytest.mark.parametrize("amount", ["0", "-1.00", "NaN", "1.001", "1000000000000"])
def test_claims_and_receipts_have_amounts_that_can_be_paid(amount):
    invoice = InvoiceFactory()
    given = facts(invoice, PaymentMethodFactory(), amount=Decimal(amount))

    assert refusal(claim_payment, **given, by=owner_of(invoice)).keys() == {"amount"}
    assert refusal(record_payment, **given, by=StaffFactory()).keys() == {"amount"}


def test_claims_and_receipts_of_a_day_to_come_are_refused():
    invoice = InvoiceFactory()
    given = facts(invoice, PaymentMethodFactory(), paid_on=timezone.now().date() + timedelta(days=4))

    assert refusal(claim_payment, **given, by=owner_of(invoice)) == {"paid_on": ["That day has not come yet."]}
    assert refusal(record_payment, **given, by=StaffFactory()) == {"paid_on": ["That day has not come yet."]}
