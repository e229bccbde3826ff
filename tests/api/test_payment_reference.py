from __future__ import annotations

from urllib.parse import urlencode

import pytest

from core.payees.references import as_creditor_reference, check_reference, on_paper
from tests.api.conftest import Caller
from tests.factories import AccountFactory, InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory

pytestmark = pytest.mark.django_db


def test_invoices_carry_their_payment_reference_in_lists_and_alone():
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account).user)

    [listed] = owner.get("billing/invoices/").json()["results"]
    alone = owner.get(f"billing/invoices/{invoice.pk}/").json()

    assert listed["payment_reference"] == alone["payment_reference"] == invoice.payment_reference
    assert check_reference(alone["payment_reference"])
    assert alone["number"] == invoice.number


def test_claims_are_searched_by_the_payment_reference_of_their_invoice():
    wanted = PaymentFactory(reference="ONE", reference_key="ONE")
    PaymentFactory(reference="TWO", reference_key="TWO", invoice=InvoiceFactory(account=AccountFactory(name="Another")))
    staff, reference = Caller(StaffFactory()), wanted.invoice.payment_reference

    for words in (reference, reference.lower(), on_paper(reference), as_creditor_reference(reference)):
        rows = staff.get(f"billing/admin/payments/?{urlencode({'search': words})}").json()["results"]
        assert [row["manual_reference"] for row in rows] == ["ONE"], words
