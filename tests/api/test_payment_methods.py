from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import Payment
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentMethodFactory,
    StaffFactory,
)
from workflows.payees.examples import METHODS
from workflows.seed.payment_methods import seed_payment_methods

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET billing/admin/payment-methods/")
def test_the_country_s_methods_come_first(anybody):
    PaymentMethodFactory(code="wire", country="", position=0)
    PaymentMethodFactory(code="us_bank", country="US", position=5)
    PaymentMethodFactory(code="pk_wallet", country="PK")
    PaymentMethodFactory(code="old", country="US", is_enabled=False)

    codes = [row["code"] for row in anybody.get("billing/admin/payment-methods/?country=US").json()["results"]]
    everywhere = [row["code"] for row in anybody.get("billing/admin/payment-methods/").json()["results"]]

    assert codes == ["us_bank", "wire"]
    assert everywhere == ["wire"]


@pytest.mark.parametrize("query", ["?country=ZZ", "?country=us", "?country=U%D0%85", "?land=US"])
def test_an_unknown_country_or_filter_is_refused(anybody, query):
    assert is_problem(anybody.get(f"billing/admin/payment-methods/{query}"), 400, "validation-error")


def test_a_hostile_address_is_refused_before_any_view(anybody):
    assert is_problem(anybody.get("billing/admin/payment-methods/?country=%00"), 400, "malformed-request")


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
