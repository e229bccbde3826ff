"""Links to an invoice's hosted page, beyond their happy paths in test_invoices.py."""

from __future__ import annotations

import pytest

from core.models import InvoiceLink
from engine import perform
from tests.api.caller import Caller, staff
from tests.api.conftest import is_problem
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory
from tests.workflows.test_claims_by_link import PAYER, claim, link_to, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice():
    return InvoiceFactory()


@pytest.fixture
def owner(invoice):
    return Caller(MembershipFactory(account=invoice.account).user)


def links(invoice):
    return f"billing/invoices/{invoice.pk}/links/"


def test_recipient_need_not_be_named(invoice, owner):
    assert owner.post(links(invoice)).json()["recipient"] == ""


@pytest.mark.parametrize("recipient", ["nobody", "a@localhost", "a@b.example\nx", 7, None, "x" * 250 + "@b.example"])
def test_recipient_that_is_no_address_is_refused(invoice, owner, recipient):
    answer = owner.post(links(invoice), {"recipient": recipient})

    assert is_problem(answer, 400, "validation-error")
    assert not InvoiceLink.objects.exists()


def test_invoice_that_is_closed_gets_no_link(invoice, owner):
    perform(invoice.lapse)

    assert is_problem(owner.post(links(invoice)), 409, "wrong-state")
    assert not InvoiceLink.objects.exists()


def test_revoking_links_where_there_are_none_is_no_error(invoice, owner):
    for _ in range(2):
        answer = owner.client.delete(f"/api/v1/{links(invoice)}")
        assert (answer.status_code, answer.content) == (204, b"")


def test_payment_says_by_which_link_it_was_claimed(invoice, owner):
    claim(link_to(invoice))
    PaymentFactory(invoice=invoice, reference="OTHER", reference_key="OTHER")

    rows = {row["manual_reference"]: row for row in owner.get("billing/payments/").json()["results"]}
    queue = staff().get("billing/admin/payments/").json()["results"]

    assert (rows["WIRE 7"]["by_link"], rows["WIRE 7"]["link_recipient"]) == (True, PAYER)
    assert (rows["OTHER"]["by_link"], rows["OTHER"]["link_recipient"]) == (False, None)
    assert {row["link_recipient"] for row in queue} == {PAYER, None}


def test_page_of_claims_by_link_takes_no_query_for_each(invoice, owner, django_assert_num_queries):
    for number in range(3):
        claim(link_to(invoice, recipient=f"p{number}@corp.example"), f"R{number}")
    owner.get("billing/payments/")

    with django_assert_num_queries(4):
        assert len(owner.get("billing/payments/").json()["results"]) == 3


def test_token_of_a_link_opens_nothing_of_the_api(invoice):
    program = Caller()
    program.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(link_to(invoice))}")

    for path in (f"billing/invoices/{invoice.pk}/", "account/"):
        assert is_problem(program.get(path), 401, "authentication-required")
