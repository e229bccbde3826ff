from __future__ import annotations

import pytest

from core.models import Account
from engine import perform
from tests.api.conftest import Caller
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory

pytestmark = pytest.mark.django_db

WORDS = {"en": "Write {reference}.", "ar": "اكتب {reference}."}


@pytest.fixture
def invoice():
    method = PaymentMethodFactory(instructions=WORDS, fields={"account_number": "000"}, is_demo=True)
    PaymentMethodFactory(code="cash", name="Cash", country="", currency="", kind="cash")
    return InvoiceFactory(payment_method=method)


@pytest.fixture
def owner(invoice):
    return Caller(MembershipFactory(account=invoice.account).user)


def test_an_invoice_says_how_it_is_paid(owner, invoice):
    first, second = owner.get(f"billing/invoices/{invoice.pk}/").json()["payment_instructions"]

    assert first == {
        "payment_method": "us_bank",
        "name": "ACH or wire",
        "kind": "bank_transfer",
        "is_chosen": True,
        "is_demo": True,
        "amount": "89.00",
        "currency": "USD",
        "reference": invoice.payment_reference,
        "due_on": invoice.due_on.isoformat(),
        "payee": [{"key": "account_number", "label": "Account number", "value": "000"}],
        "language": "en",
        "direction": "ltr",
        "text": f"DEMO - DO NOT PAY\n\nWrite {invoice.payment_reference}.",
        "html": '<p class="warning"><strong>DEMO - DO NOT PAY</strong></p>\n'
        f'<p>Write <bdi class="unbroken">{invoice.payment_reference}</bdi>.</p>\n',
    }
    assert (second["payment_method"], second["is_chosen"], second["text"]) == ("cash", False, "")


def test_instructions_are_in_the_language_of_the_account(owner, invoice):
    Account.objects.filter(pk=invoice.account_id).update(language="ar")

    first, *_ = owner.get(f"billing/invoices/{invoice.pk}/").json()["payment_instructions"]

    assert (first["language"], first["direction"]) == ("ar", "rtl")
    assert first["text"].endswith(f"اكتب {invoice.payment_reference}.")
    assert first["payee"][0]["label"] == "رقم الحساب"


def test_paid_invoice_has_no_instructions(owner, invoice):
    perform(invoice.lapse)

    assert owner.get(f"billing/invoices/{invoice.pk}/").json()["payment_instructions"] == []


def test_list_of_invoices_has_no_instructions(owner, invoice):
    (row,) = owner.get("billing/invoices/").json()["results"]

    assert "payment_instructions" not in row
