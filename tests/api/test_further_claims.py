from __future__ import annotations

import pytest

from core.models import Payment
from tests.api.conftest import Caller, is_problem
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def confirm():
    PaymentMethodFactory()
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account).user)

    def post(reference, amount="89.00"):
        body = {
            "invoice_id": str(invoice.pk),
            "payment_method": "us_bank",
            "amount": amount,
            "manual_reference": reference,
        }
        return owner.post("billing/admin/payments/confirm/", body)

    return post


def test_row_of_a_second_claim_says_further(confirm):
    answers = [confirm("A1"), confirm("B2")]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert [answer.json()["further"] for answer in answers] == [False, True]


def test_fourth_claim_is_a_duplicate_of_the_oldest(confirm, digest):
    first, *_ = [confirm(f"R{n}").json()["id"] for n in range(3)]
    before = digest()

    answer = confirm("R4")

    assert is_problem(answer, 409, "duplicate-claim")
    assert answer.json()["payment_id"] == first
    assert digest() == before


def test_bulk_answers_for_the_second_claim_of_an_invoice_with_the_first(confirm):
    first, second = (confirm(reference).json()["id"] for reference in ("A1", "B2"))

    answer = Caller(StaffFactory()).post("billing/admin/payments/bulk-approve/", {"ids": [second, first]})

    decided, left = answer.json()["results"]
    assert decided == {"id": first, "status": "approved"}
    assert (left["id"], left["problem"]["type"], left["problem"]["payment_id"]) == (
        second,
        "/problems/duplicate-claim",
        first,
    )
    assert Payment.objects.get(pk=second).status == "pending_approval"


@pytest.mark.guards("S11", "workflows.actions.payments._check_size")
def test_claim_of_far_more_than_is_open_is_400_on_amount(confirm, digest):
    """S11."""
    before = digest()

    answer = confirm("A1", amount="999999999.00")

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["amount"]
    assert digest() == before


def test_bulk_answers_for_a_claim_above_what_is_open_with_the_reason(confirm):
    key = confirm("A1", amount="100.00").json()["id"]

    answer = Caller(StaffFactory()).post("billing/admin/payments/bulk-approve/", {"ids": [key]})

    (left,) = answer.json()["results"]
    assert (left["id"], left["problem"]["type"]) == (key, "/problems/conflict")
    assert left["problem"]["detail"].startswith("100.00 USD is more than the 89.00 that are open")
    assert Payment.objects.get().status == "pending_approval"
