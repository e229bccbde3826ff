"""Staff find an invoice, and what was claimed of it, by its payment reference."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.payees.references import as_creditor_reference, on_paper
from tests.factories import AccountFactory, InvoiceFactory, PaymentFactory, StaffFactory, UserFactory
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db

REFERENCE = "K2M7X4R907"
TYPED = [REFERENCE, REFERENCE.lower(), on_paper(REFERENCE), "k2m7x-4r9o7", as_creditor_reference(REFERENCE)]


def read(client, name, *args, **query):
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def invoice():
    return InvoiceFactory(payment_reference=REFERENCE)


@pytest.fixture
def other():
    return InvoiceFactory(account=AccountFactory(name="Another"))


@pytest.mark.parametrize("words", TYPED)
def test_desk_finds_the_invoice_by_its_reference(invoice, other, words):
    page = read(signed_in(StaffFactory()), "desk_search", q=words)

    assert reverse("desk_invoice", args=[invoice.pk]) in page
    assert reverse("desk_invoice", args=[other.pk]) not in page


@pytest.mark.parametrize("words", TYPED)
def test_review_queue_is_searched_by_the_reference_of_the_invoice(invoice, other, words):
    wanted, unwanted = PaymentFactory(invoice=invoice), PaymentFactory(invoice=other)

    page = read(signed_in(StaffFactory()), "desk", q=words)

    assert reverse("desk_payment", args=[wanted.pk]) in page
    assert reverse("desk_payment", args=[unwanted.pk]) not in page


def test_staff_see_the_reference_of_an_invoice_and_of_a_claim(invoice):
    claim = PaymentFactory(invoice=invoice)
    client = signed_in(StaffFactory())

    for page in (read(client, "desk_invoice", invoice.pk), read(client, "desk_payment", claim.pk)):
        assert f'data-copy="{REFERENCE}"' in page


@pytest.mark.parametrize("model", ["invoice", "payment"])
@pytest.mark.parametrize("words", [*TYPED, REFERENCE[:-1] + "8"])
def test_admin_list_is_searched_by_the_reference(invoice, other, model, words):
    rows = [invoice, other]
    if model == "payment":
        rows = [PaymentFactory(invoice=row) for row in rows]
    client = signed_in(UserFactory(is_staff=True, is_superuser=True))

    answer = client.get(reverse(f"admin:core_{model}_changelist"), {"q": words})

    assert list(answer.context["cl"].queryset) == (rows[:1] if words in TYPED else [])
