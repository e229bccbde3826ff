"""For which payees a payment code is made, and how it names them."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from core.models import PaymentMethod
from core.payment_codes import payment_code


def code_of(method: PaymentMethod, currency: str = "EUR") -> str | None:
    return payment_code(method, Decimal("82.00"), currency, "INV-000042")


def upi(**fields: str) -> PaymentMethod:
    return PaymentMethod(kind="upi", currency="INR", fields={"vpa": "demo@examplepsp", "payee_name": "दुकान"} | fields)


def test_a_upi_link_says_what_the_merchant_sells():
    query = parse_qs(urlsplit(code_of(upi(mcc="5411"), "INR")).query)

    assert query["mc"] == ["5411"]
    assert (query["pn"], query["am"]) == (["दुकान"], ["82.00"])


def test_a_upi_link_of_a_person_has_no_merchant_category():
    assert "mc=" not in code_of(upi(), "INR")


def test_the_published_upi_vector_comes_out_as_it_was():
    method = upi(payee_name="Sample Traders")

    assert payment_code(method, Decimal("7900"), "INR", "INV-2026-000123") == (
        "upi://pay?pa=demo@examplepsp&pn=Sample%20Traders&am=7900.00&cu=INR&tr=INV2026000123&tn=INV-2026-000123"
    )
