"""The QR code of an invoice's page, photographed and decoded by another library."""

from __future__ import annotations

from io import BytesIO

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.browser.people import new_address
from tests.stories.api_client import BILLING, ApiClient

SPRINGFIELD = {
    "DE": {"postal_code": "10115", "city": "Berlin", "state": "", "tax_id": ""},
    "IN": {"postal_code": "560001", "city": "Bengaluru", "state": "Karnataka", "tax_id": ""},
    "BR": {"postal_code": "01310-100", "city": "São Paulo", "state": "SP", "tax_id": ""},
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("country", "currency", "method", "first"),
    [
        ("DE", "EUR", "eu_sepa", "BCD\n002\n"),
        ("IN", "INR", "in_upi", "upi://pay?"),
        ("BR", "BRL", "br_pix", "000201"),
    ],
)
def test_a_phone_reads_payee_amount_and_reference(page_as, api: ApiClient, scheme, country, currency, method, first):
    email = new_address()
    billing = {**BILLING, **SPRINGFIELD[country], "country": country}
    _, known = api.signed_up(email, plan="starter", currency=currency, payment_method=method, **billing)
    page = page_as(email, color_scheme=scheme)
    page.goto(f"/app/invoices/{known['invoice']['id']}/?method={method}")

    read = scanned(page)

    assert read.startswith(first)
    assert known["invoice"]["total"] in read
    assert known["invoice"]["payment_reference"] in read


def scanned(page: Page) -> str:
    """The text of the one code that is in sight."""
    picture = Image.open(BytesIO(page.locator(".qr").screenshot()))
    [code] = zxingcpp.read_barcodes(picture)
    return str(code.text)
