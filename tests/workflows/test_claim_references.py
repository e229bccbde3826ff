"""A reference is claimed once in an account, whatever the method and the script."""
# ruff: noqa: RUF001 - digits of other scripts are meant

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic

from core.problems import DuplicateClaim
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.customers import claim
from workflows.actions import record_payment

pytestmark = pytest.mark.django_db


def wire():
    return PaymentMethodFactory(code="intl_wire", country="")


def cash():
    return PaymentMethodFactory(code="cash", kind="cash", requires=["reference"])


@pytest.mark.guards("S14", "payment_reference_of_one_transfer")
@pytest.mark.parametrize("again", ["WIRE-42", "wire 42", "ＷＩＲＥ４２", "wire٤٢", "WI\u200bRE42"])
def test_one_reference_is_claimed_once_whatever_the_method_or_script(again):
    """S14."""
    invoice = InvoiceFactory()
    other = InvoiceFactory(account=invoice.account, subscription=invoice.subscription)
    first = claim(invoice, "WIRE 42")

    for taken in (invoice, other):
        with pytest.raises(DuplicateClaim) as refused:
            claim(taken, again, method=wire())
        assert refused.value.members == {"payment_id": str(first.pk)}
    assert claim(InvoiceFactory(), again, method=wire())  # banks of two customers may give out the same one


@pytest.mark.guards("S14", "payment_reference_of_one_transfer")
def test_database_keeps_a_reference_of_one_transfer():
    """S14."""
    payment = PaymentFactory()

    with pytest.raises(IntegrityError, match="payment_reference_of_one_transfer"), atomic():
        PaymentFactory(invoice=payment.invoice, method=wire())


def test_receipt_of_the_same_reference_is_refused_too():
    invoice = InvoiceFactory()
    claim(invoice, "WIRE 42")

    with pytest.raises(DuplicateClaim):
        record_payment(
            invoice=invoice,
            method=wire(),
            amount=Decimal(1),
            currency="USD",
            reference="wire42",
            by=StaffFactory(),
        )


@pytest.mark.parametrize("way", [cash, lambda: PaymentMethodFactory(code="card", requires=[])])
def test_references_of_cash_and_those_that_nobody_asks_for_may_repeat(way):
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user
    method = way()

    first, second = [claim(invoice, "BOOK 1", method=method, by=owner) for _ in range(2)]

    assert (first.reference_counts, second.reference_counts) == (False, False)
    assert claim(invoice, "BOOK 1", by=owner).reference_counts
