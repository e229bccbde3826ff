from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Payment
from tests.api.conftest import Caller
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory, StaffFactory
from workflows.payees.examples import METHODS
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("country", sorted({method.country for method in METHODS} - {""}))
def test_every_method_comes_with_labels_in_order_and_its_fields_as_ever(anybody, country):
    seed_payment_methods()

    rows = anybody.get(f"billing/admin/payment-methods/?country={country}").json()["results"]

    seeded = {method.code: method for method in METHODS}
    for row in rows:
        assert row["fields"] == seeded[row["code"]].fields
        assert {line["key"]: line["value"] for line in row["payee"]} == row["fields"]
        assert all(line["label"] for line in row["payee"])
        assert row["reference_max"] == seeded[row["code"]].reference_max
    assert len(rows) > 2


def test_a_method_says_how_its_transaction_ids_look(anybody):
    PaymentMethodFactory(country="", reference_pattern="#{12}", reference_example="012345678901", reference_max=35)
    PaymentMethodFactory(country="", code="other")

    rows = {row["code"]: row for row in anybody.get("billing/admin/payment-methods/").json()["results"]}

    assert rows["us_bank"]["reference_hint"] == {"pattern": "#{12}", "example": "012345678901"}
    assert rows["other"]["reference_hint"] is None
    assert rows["other"]["reference_max"] is None


@pytest.mark.parametrize(("reference", "is_unusual"), [("012345678901", False), ("0123 4567 8901", False), ("?", True)])
def test_an_unusual_transaction_id_is_taken_and_shown_to_staff(db, reference, is_unusual):
    PaymentMethodFactory(country="", reference_pattern="#{12}")
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account, role="owner").user)

    answer = owner.post(
        "billing/admin/payments/confirm/",
        {
            "invoice_id": str(invoice.pk),
            "payment_method": "us_bank",
            "amount": "89.00",
            "manual_reference": reference,
        },
    )

    assert answer.status_code == 201, answer.json()
    assert "has_unusual_reference" not in answer.json()
    payment = Payment.objects.get()
    assert payment.amount == Decimal("89.00")
    assert payment.has_unusual_reference is is_unusual
    (row,) = Caller(StaffFactory()).get("billing/admin/payments/").json()["results"]
    assert row["has_unusual_reference"] is is_unusual
