# ruff: noqa: RUF001 - letters of other scripts are meant

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from stdnum import iban as stdnum_iban

from core.models import PaymentMethod
from core.payees.fields import clean_payee
from core.payees.qr_codes import EEA, SEPA, code_problem, epc_code, has_code, payment_code

GERMAN, BULGARIAN = "DE89370400440532013000", "BG80BNBG96611020345678"
BRITISH, SWISS = "GB29NWBK60161331926819", "CH9300762011623852957"


def bank(currency: str = "EUR", **fields: str) -> PaymentMethod:
    return PaymentMethod(kind="bank_transfer", currency=currency, fields=fields)


def code_of(method: PaymentMethod, currency: str = "EUR") -> str | None:
    return payment_code(method, Decimal("82.00"), currency, "INV-000042")


@pytest.mark.parametrize(
    ("iban", "name", "written"),
    [
        ("GR1601101250000000012300695", "ΑΦΟΙ ΡΑΛΛΗ Ο.Ε.", "AFOI RALLI O.E."),
        (BULGARIAN, "Щастие ООД", "Shtastie OOD"),
        ("MT84MALT011000012345MTLCAST001S", "Ħanut Ltd", "Hanut Ltd"),
        (GERMAN, "9½ GmbH", "9 1/2 GmbH"),
        (GERMAN, "N" * 90, "N" * 70),
    ],
)
def test_a_sepa_code_names_the_payee_whole(iban, name, written):
    assert code_of(bank(holder=name, iban=iban)).split("\n")[5] == written


@pytest.mark.parametrize("name", ["СОФТ Systems", "شركة المثال", "株式会社", "ร้านดี จำกัด", "-", ".."])
def test_a_name_without_a_latin_form_makes_no_code_until_the_operator_spells_it(name):
    method = bank(holder=name, iban=GERMAN)

    reason = code_problem(method)
    assert code_of(method) is None
    assert (reason.key, has_code(method)) == ("holder", False)
    assert "Name in Latin letters" in str(reason)

    method.fields["latin_name"] = "Soft Systems"
    assert code_of(method).split("\n")[5] == "Soft Systems"
    assert (code_problem(method), has_code(method)) == (None, True)


@pytest.mark.parametrize(
    ("typed", "is_taken"), [("Söhne & Co", True), ("Софт", False), ("-", False), ("x" * 71, False)]
)
def test_a_name_in_latin_letters_is_one_that_a_code_carries(typed, is_taken):
    kept, errors = clean_payee("bank_transfer", "", {"latin_name": typed}, is_offered=False)

    assert (kept, errors) == ({"latin_name": typed}, {}) if is_taken else set(errors) == {"latin_name"}


@pytest.mark.parametrize("iban", [BRITISH, SWISS, "MC5811222000010123456789030", "SM86U0322509800000000270100"])
def test_an_account_outside_the_eea_has_a_code_with_its_bic_only(iban):
    method = bank(holder="Acme Ltd", iban=iban)

    reason = code_problem(method)
    assert code_of(method) is None
    assert (reason.key, has_code(method)) == ("bic", False)

    method.fields["bic"] = "NWBKGB2L"
    assert code_of(method).split("\n")[4:7] == ["NWBKGB2L", "Acme Ltd", iban]
    assert has_code(method)


@pytest.mark.parametrize("iban", [GERMAN, "NO9386011117947", "IS140159260076545510730339", "LI21088100002324013AA"])
def test_an_account_inside_the_eea_needs_no_bic(iban):
    assert epc_code({"holder": "Acme", "iban": iban}, Decimal(1), "INV-1").split("\n")[4] == ""


def test_the_eea_is_thirty_countries_of_sepa():
    assert len(EEA) == 30
    assert len(SEPA - EEA) == 12
    assert EEA < SEPA
    assert {"NO", "IS", "LI"} <= EEA
    assert EEA.isdisjoint({"GB", "CH", "GI", "MC", "SM", "AD", "VA"})
    assert all(stdnum_iban._ibandb.info(country)[0][1] for country in SEPA)


@pytest.mark.parametrize(
    ("method", "currency"),
    [
        (bank(holder="Σ", iban="PK36SCBL0000001123456702"), "EUR"),  # SEPA does not reach it
        (bank("GBP", holder="Acme", iban=BRITISH), "GBP"),
        (bank(holder="Acme", account_number="1234"), "EUR"),
        (PaymentMethod(kind="cash", currency="", fields={"location": "Here"}), "EUR"),
    ],
)
def test_a_method_whose_kind_has_no_code_is_no_reason_to_tell_anybody(method, currency):
    assert code_of(method, currency) is None
    assert (code_problem(method), has_code(method)) == (None, False)


def test_a_reference_that_would_lose_letters_makes_no_code():
    method = bank(holder="Acme", iban=GERMAN)

    assert payment_code(method, Decimal(1), "EUR", "СЧЁТ-42") is None
    assert payment_code(method, Decimal(1), "EUR", "INV-42") is not None


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


@pytest.mark.parametrize(("field", "value"), [("name", "Лавка"), ("city", "-"), ("key", "")])
def test_a_pix_payee_without_a_latin_form_is_told_to_the_operator(field, value):
    fields = {"key": "pix@demo.test", "name": "São João Ltda", "city": "São Paulo"}
    method = PaymentMethod(kind="pix", currency="BRL", fields=fields)
    assert "Sao Joao Ltda" in code_of(method, "BRL")

    method.fields = fields | {field: value}

    assert code_of(method, "BRL") is None
    assert code_problem(method).key == field
