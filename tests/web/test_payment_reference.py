"""The payment reference stands wherever a payer looks."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import PaymentMethod
from core.payees.qr_codes import payment_code
from core.payees.references import as_creditor_reference
from tests.core.qr_reader import read as read_code
from tests.factories import InvoiceFactory, PaymentMethodFactory

pytestmark = pytest.mark.django_db

REFERENCE = "K2M7X4R907"
IBAN = "DE89370400440532013000"


def read(client, name, *args, **query):
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def invoice():
    PaymentMethodFactory(instructions={"en": "Write {reference} in the remarks."})
    return InvoiceFactory(payment_reference=REFERENCE)


def test_payer_reads_and_copies_the_reference_on_the_invoice(invoice, visit):
    page = read(visit(invoice.account), "invoice", invoice.pk)

    assert f'<bdi class="mono">{REFERENCE}</bdi>' in page
    assert f'data-copy="{REFERENCE}"' in page
    assert f'Write <bdi class="unbroken">{REFERENCE}</bdi> in the remarks.' in page
    assert f'data-copy="{invoice.number}"' not in page


def test_payer_reads_and_copies_the_reference_where_the_payment_is_claimed(invoice, visit):
    page = read(visit(invoice.account), "claim", invoice.pk)

    assert f'<bdi class="mono">{REFERENCE}</bdi>' in page
    assert f'data-copy="{REFERENCE}"' in page


def test_reference_is_printed_in_two_groups_beside_the_number(invoice, visit):
    page = read(visit(invoice.account), "document", invoice.pk)

    assert "K2M7X 4R907" in page
    assert invoice.number in page


def test_labels_are_in_the_language_of_the_payer(invoice, visit):
    client = visit(invoice.account)

    for name in ("invoice", "claim", "document"):
        answer = client.get(reverse(name, args=[invoice.pk]), headers={"accept-language": "ar"})
        assert "الرقم المرجعي للدفع" in answer.content.decode(), name


@pytest.mark.parametrize(
    ("kind", "currency", "fields"),
    [
        ("bank_transfer", "EUR", {"holder": "Example Demo GmbH", "iban": IBAN, "bic": "DEUTDEFFXXX"}),
        ("upi", "INR", {"vpa": "demo@examplepsp", "payee_name": "Example Demo Pvt Ltd"}),
        ("pix", "BRL", {"key": "pix@demo.test", "name": "EXEMPLO DEMO LTDA", "city": "EXEMPLO"}),
    ],
)
def test_qr_code_of_the_page_carries_the_reference(visit, kind, currency, fields):
    method = PaymentMethodFactory(code="way", kind=kind, currency=currency, country="", fields=fields)
    invoice = InvoiceFactory(payment_reference=REFERENCE, currency=currency, payment_method=method)

    shown = visit(invoice.account).get(reverse("invoice", args=[invoice.pk])).context["code"]

    content = payment_code(PaymentMethod.objects.get(code="way"), invoice.outstanding, currency, REFERENCE)
    assert content is not None
    assert content.count(REFERENCE) == (2 if kind == "upi" else 1)  # UPI: for the bank, and for who reads it
    assert read_code(shown).content == content.encode()


def test_method_that_asks_for_a_creditor_reference_shows_it(visit):
    PaymentMethodFactory(instructions={"en": "Write {rf_reference}."})
    invoice = InvoiceFactory(payment_reference=REFERENCE)

    page = read(visit(invoice.account), "invoice", invoice.pk)

    assert f'data-copy="{as_creditor_reference(REFERENCE)}"' in page
