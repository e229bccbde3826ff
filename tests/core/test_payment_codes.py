from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.models import PaymentMethod
from core.payees.code_drawings import drawn_code
from core.payees.latin import NotLatinError, in_latin
from core.payees.qr_codes import NoCodeError, crc16, epc_code, payment_code, pix_code, upi_link
from tests.core.qr_reader import read
from tests.hypothesis_profile import deterministic
from workflows.payees.examples import METHODS

SEPA_PAYEE = {"holder": "Example Demo GmbH", "iban": "DE89370400440532013000", "bic": "DEUTDEFFXXX"}
UPI_PAYEE = {"vpa": "demo@examplepsp", "payee_name": "Example Demo Pvt Ltd"}
PIX_PAYEE = {"key": "pix@demo.test", "name": "EXEMPLO DEMO LTDA", "city": "EXEMPLO"}


def test_the_checksum_is_that_of_the_standard():
    assert crc16("123456789") == 0x29B1  # the check value of CRC-16/CCITT-FALSE


def test_the_example_of_the_pix_manual_comes_out_letter_for_letter():
    fields = {"key": "123e4567-e12b-12d1-a456-426655440000", "name": "Fulano de Tal", "city": "BRASILIA"}

    assert pix_code(fields, None, "") == (
        "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR"
        "5913Fulano de Tal6008BRASILIA62070503***63041D3D"
    )


def test_a_pix_code_says_who_gets_how_much_for_what():
    code = pix_code(PIX_PAYEE, Decimal("480.00"), "INV-000042")

    parts = tlv(code)
    assert tlv(parts["26"]) == {"00": "br.gov.bcb.pix", "01": "pix@demo.test"}
    assert (parts["53"], parts["54"], parts["58"]) == ("986", "480.00", "BR")
    assert (parts["59"], parts["60"]) == ("EXEMPLO DEMO LTDA", "EXEMPLO")
    assert tlv(parts["62"]) == {"05": "INV000042"}
    assert int(parts["63"], 16) == crc16(code[:-4])


def test_a_pix_code_keeps_to_the_lengths_of_its_standard():
    fields = {"key": "k", "name": "São João Comércio e Indústria Ltda", "city": "São José do Rio Preto"}

    parts = tlv(pix_code(fields, Decimal(1), "A" * 40))

    assert parts["59"] == "Sao Joao Comercio e Indus"
    assert parts["60"] == "Sao Jose do Rio"
    assert tlv(parts["62"])["05"] == "A" * 25


def test_a_sepa_code_has_the_lines_of_the_guideline():
    assert epc_code(SEPA_PAYEE, Decimal("82.00"), "INV-000042") == (
        "BCD\n002\n1\nSCT\nDEUTDEFFXXX\nExample Demo GmbH\nDE89370400440532013000\nEUR82.00\n\n\nINV-000042"
    )


def test_a_creditor_reference_has_a_line_of_its_own():
    code = epc_code(SEPA_PAYEE, Decimal("82.00"), "RF18 5390 0754 7034")

    assert code.split("\n")[9:] == ["RF18539007547034"]


def test_a_sepa_code_is_written_in_latin_letters():
    code = epc_code(SEPA_PAYEE | {"holder": "Łódź & Söhne"}, Decimal("82.00"), "Größe; 1\n2")

    assert code.split("\n")[5] == "Lodz + Sohne"
    assert code.split("\n")[10] == "Grosse 1 2"


@pytest.mark.parametrize(
    ("change", "amount"),
    [
        ({"iban": "PK36SCBL0000001123456702"}, "82.00"),
        ({"holder": "株式会社"}, "82.00"),
        ({}, "1000000000.00"),
    ],
)
def test_payment_that_sepa_cannot_carry_has_no_code(change, amount):
    with pytest.raises(NoCodeError):
        epc_code(SEPA_PAYEE | change, Decimal(amount), "INV-1")


def test_the_longest_sepa_code_still_fits():
    code = epc_code(SEPA_PAYEE | {"holder": "N" * 140}, Decimal("999999999.99"), "R" * 140)

    assert len(code.encode()) <= 331
    assert read(drawn_code(code)).version <= 13


def test_a_upi_link_opens_with_everything_filled_in():
    link = upi_link(UPI_PAYEE, Decimal("7900"), "INV-000042")

    assert link.startswith("upi://pay?pa=demo@examplepsp&pn=Example%20Demo%20Pvt%20Ltd&")
    assert {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()} == {
        "pa": "demo@examplepsp",
        "pn": "Example Demo Pvt Ltd",
        "am": "7900.00",
        "cu": "INR",
        "tr": "INV000042",
        "tn": "INV-000042",
    }


def test_a_upi_link_cannot_be_added_to():
    link = upi_link(UPI_PAYEE | {"payee_name": "A&am=1#é"}, Decimal(7), "x&pa=evil@bank")

    query = parse_qs(urlsplit(link).query)
    assert query["pn"] == ["A&am=1#é"]
    assert query["am"] == ["7.00"]
    assert query["pa"] == ["demo@examplepsp"]


@pytest.mark.parametrize(
    ("code", "currency", "begins"),
    [("in_upi", "INR", "upi://"), ("br_pix", "BRL", "000201"), ("eu_sepa", "EUR", "BCD"), ("ke_mpesa", "KES", None)],
)
def test_a_method_has_the_code_of_its_rail(code, currency, begins):
    made = payment_code(seeded(code), Decimal("10.00"), currency, "INV-1")

    assert made is None if begins is None else made.startswith(begins)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.code)
def test_no_code_is_made_for_another_currency_or_for_nothing(method):
    made = seeded(method.code)

    assert payment_code(made, Decimal("10.00"), "JPY", "INV-1") is None
    for amount in ("0", "-1", "NaN", "Infinity", "1E+20"):
        assert payment_code(made, Decimal(amount), method.currency or "EUR", "INV-1") is None


@deterministic
@given(
    st.sampled_from(["eu_sepa", "in_upi", "br_pix"]),
    st.decimals("0.01", "99999999999.99", places=2),
    st.text(max_size=60),
    st.text(max_size=200),
)
def test_code_can_be_drawn_and_read_for_any_names(code, amount, name, reference):
    method = seeded(code)
    key = {"eu_sepa": "holder", "in_upi": "payee_name", "br_pix": "name"}[code]
    method.fields = method.fields | {key: name}

    made = payment_code(method, amount, method.currency, reference)

    if made is None:
        assert amount >= 10**9 or not has_latin(name) or not has_latin(reference or "-1")
    elif code == "br_pix":
        assert made.isascii()
        assert tlv(made)["54"] == f"{amount:f}"
    elif code == "eu_sepa":
        assert made.isascii()
        assert 8 <= len(made.split("\n")) <= 11
    else:
        assert parse_qs(urlsplit(made).query)["am"] == [f"{amount:f}"]
    assert made is None or read(drawn_code(made)).content == made.encode()


def has_latin(text: str) -> bool:
    try:
        return bool(in_latin(text))
    except NotLatinError:
        return False


def seeded(code: str) -> PaymentMethod:
    method = next(method for method in METHODS if method.code == code)
    return PaymentMethod(
        code=code, kind=method.kind, country=method.country, currency=method.currency, fields=dict(method.fields)
    )


def tlv(text: str) -> dict[str, str]:
    """The parts of an EMV code by their number; each must be as long as it says."""
    parts = {}
    while text:
        number, length = text[:2], int(text[2:4])
        assert len(text) >= 4 + length
        parts[number], text = text[4 : 4 + length], text[4 + length :]
    return parts
