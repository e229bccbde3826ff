# ruff: noqa: RUF001 - digits and letters of other scripts are meant

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from core.models import PaymentMethod
from core.payees.fields import FIELDS, NAMES, clean_payee, fields_of, payee_lines, payee_name
from tests.hypothesis_profile import deterministic
from workflows.payees.examples import METHODS

BANK, WALLET, UPI, PIX = "bank_transfer", "mobile_wallet", "upi", "pix"


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.code)
def test_each_seeded_method_stands_as_it_is(method):
    kept, errors = clean_payee(method.kind, method.country, method.fields)

    assert errors == {}
    assert kept == method.fields
    assert {field.key for field in fields_of(method.kind)} >= set(method.fields)


def test_the_table_names_each_field_of_a_kind_once():
    assert {field.kind for field in FIELDS} == set(PaymentMethod.Kind)
    assert len({(field.key, field.kind) for field in FIELDS}) == len(FIELDS)
    assert set(NAMES) <= {field.key for field in FIELDS}


@pytest.mark.parametrize(
    ("kind", "country", "key", "typed", "kept"),
    [
        (BANK, "DE", "iban", "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        (BANK, "AE", "iban", "AE07 0331 2345 6789 0123 456", "AE070331234567890123456"),
        (BANK, "", "bic", "deut de ff", "DEUTDEFF"),
        (BANK, "US", "routing_number", "111000025", "111000025"),
        (BANK, "GB", "sort_code", "123456", "12-34-56"),
        (BANK, "IN", "ifsc", "hdfc0001234", "HDFC0001234"),
        (BANK, "NG", "account_number", "0000014579", "0000014579"),
        (BANK, "PK", "raast_id", "+92 300 1234567", "03001234567"),
        (BANK, "PK", "raast_id", "PK36 SCBL 0000 0011 2345 6702", "PK36SCBL0000001123456702"),
        (BANK, "", "charges", "our", "OUR"),
        (BANK, "AE", "trn", "100-1234-5670-0003", "100123456700003"),
        (BANK, "", "bank_address", "1 High Street\nLondon", "1 High Street London"),
        (BANK, "", "our_own_key", " any  line ", "any line"),
        (WALLET, "PK", "number", "0300-1234567", "03001234567"),
        (WALLET, "BD", "number", "+8801712345678", "01712345678"),
        (WALLET, "GH", "number", "+233 24 123 4567", "+233241234567"),
        (WALLET, "KE", "paybill", "522 522", "522522"),
        (WALLET, "KE", "till", "123456", "123456"),
        (UPI, "IN", "vpa", "shop.one@okbank", "shop.one@okbank"),
        (UPI, "IN", "mcc", "5411", "5411"),
        (UPI, "IN", "payee_name", "पेयी", "पेयी"),
    ],
)
def test_a_number_is_kept_as_the_payer_s_app_takes_it(kind, country, key, typed, kept):
    found, errors = clean_payee(kind, country, {key: typed}, is_offered=False)

    assert errors == {}
    assert found == {key: kept}
    assert clean_payee(kind, country, found, is_offered=False) == (found, {})


@pytest.mark.parametrize(
    ("kind", "country", "key", "typed"),
    [
        (BANK, "DE", "iban", "DE89370400440532013001"),
        (BANK, "DE", "iban", "DE8937040044053201300"),
        (BANK, "US", "iban", "US89370400440532013000"),
        (BANK, "DE", "iban", "DE８８370400440532013000"),
        (BANK, "", "bic", "DEUTDEF"),
        (BANK, "", "bic", "DEUTXXFF"),
        (BANK, "US", "routing_number", "111000026"),
        (BANK, "US", "routing_number", "١١١٠٠٠٠٢٦"),
        (BANK, "GB", "sort_code", "12345"),
        (BANK, "IN", "ifsc", "HDFC1001234"),
        (BANK, "NG", "account_number", "000001457"),
        (BANK, "PK", "raast_id", "0300123456"),
        (BANK, "PK", "raast_id", "PK36SCBL0000001123456703"),
        (BANK, "", "charges", "MINE"),
        (BANK, "", "name", "x" * 141),
        (BANK, "", "name", "\u202eevil"),
        (BANK, "", "Own Key", "x"),
        (BANK, "", "vpa", "shop@okbank"),
        (BANK, "", "account_number", "12"),
        (BANK, "", "name", 5),
        (BANK, "", "name", ["x"]),
        (BANK, "", "name", None),
        (WALLET, "PK", "number", "03OO1234567"),
        (WALLET, "PK", "number", "01712345678"),
        (WALLET, "BD", "number", "03001234567"),
        (WALLET, "", "number", "a phone"),
        (WALLET, "KE", "paybill", "1234"),
        (UPI, "IN", "vpa", "shop"),
        (UPI, "IN", "vpa", "a@b@c"),
        (UPI, "IN", "mcc", "541"),
        (PIX, "BR", "name", "x" * 26),
        (PIX, "BR", "city", "x" * 16),
        (PIX, "BR", "key_type", "iban"),
    ],
)
def test_invalid_payee_number_is_refused(kind, country, key, typed):
    _, errors = clean_payee(kind, country, {key: typed}, is_offered=False)

    assert errors[key]


@pytest.mark.parametrize(
    ("country", "key", "typed", "kept"),
    [
        ("DE", "iban", "DE８９ 3704–0044–0532–0130–00", "DE89370400440532013000"),
        ("US", "routing_number", "١١١٠٠٠٠٢٥", "111000025"),
    ],
)
def test_payee_number_in_other_digits_is_kept_in_those_that_every_app_takes(country, key, typed, kept):
    fields, errors = clean_payee(BANK, country, {key: typed}, is_offered=False)

    assert errors == {}
    assert fields[key] == kept


@pytest.mark.parametrize(
    ("beside", "good", "bad"),
    [
        ({"routing_number": "111000025"}, "0123456", "GB12"),
        ({"sort_code": "12-34-56"}, "12345678", "1234567"),
        ({"ifsc": "HDFC0001234"}, "123456789", "12345678"),
        ({}, "CH-12.345/6", "1"),
    ],
)
def test_an_account_number_is_judged_by_the_bank_code_beside_it(beside, good, bad):
    assert clean_payee(BANK, "", {**beside, "account_number": good}, is_offered=False)[1] == {}
    assert set(clean_payee(BANK, "", {**beside, "account_number": bad}, is_offered=False)[1]) == {"account_number"}


def test_a_nigerian_account_is_checked_with_its_bank():
    # The example of the Central Bank of Nigeria: bank 011, serial number 000001457, check digit 9.
    assert clean_payee(BANK, "NG", {"bank_code": "011", "account_number": "0000014579"}, is_offered=False)[1] == {}
    assert set(clean_payee(BANK, "NG", {"bank_code": "011", "account_number": "0000014578"}, is_offered=False)[1]) == {
        "account_number"
    }
    assert clean_payee(BANK, "NG", {"account_number": "0000014578"}, is_offered=False)[1] == {}


@pytest.mark.parametrize(
    ("key_type", "typed", "kept"),
    [
        ("cpf", "390.533.447-05", "39053344705"),
        ("cnpj", "16.727.230/0001-97", "16727230000197"),
        ("email", "Pix@Demo.test", "pix@demo.test"),
        ("phone", "+55 (11) 98765-4321", "+5511987654321"),
        ("evp", "123E4567-E12B-12D1-A456-426655440000", "123e4567-e12b-12d1-a456-426655440000"),
    ],
)
def test_a_pix_key_is_judged_by_its_type(key_type, typed, kept):
    found, errors = clean_payee(PIX, "BR", {"key_type": key_type, "key": typed}, is_offered=False)

    assert errors == {}
    assert found["key"] == kept
    for other in {"cpf", "cnpj", "email", "phone", "evp"} - {key_type}:
        assert set(clean_payee(PIX, "BR", {"key_type": other, "key": typed}, is_offered=False)[1]) == {"key"}


@pytest.mark.parametrize(
    ("kind", "fields", "missing"),
    [
        (BANK, {}, {"beneficiary", "iban"}),
        (BANK, {"holder": "A"}, {"iban"}),
        (BANK, {"holder": "A", "sort_code": "12-34-56"}, {"iban", "account_number"}),
        (BANK, {"holder": "A", "iban": "DE89370400440532013000"}, set()),
        (WALLET, {}, {"number"}),
        (WALLET, {"till": "12345"}, set()),
        (UPI, {}, {"vpa", "payee_name"}),
        (PIX, {}, {"key_type", "key", "name", "city"}),
        ("cash", {}, {"location"}),
    ],
)
def test_offered_method_needs_its_required_fields(kind, fields, missing):
    assert set(clean_payee(kind, "", fields)[1]) == missing
    assert clean_payee(kind, "", fields, is_offered=False)[1] == {}


def test_a_payer_reads_the_fields_in_the_order_of_a_bank_s_form():
    lines = payee_lines(BANK, {"zone": "1", "bic": "X", "iban": "Y", "beneficiary": "A", "department": "2"})

    assert [(line.key, line.label) for line in lines] == [
        ("beneficiary", "Beneficiary"),
        ("iban", "IBAN"),
        ("bic", "BIC"),
        ("department", "Department"),
        ("zone", "Zone"),
    ]
    assert payee_name({"iban": "Y", "title": "A"}) == "A"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "ZZ"}, "country"),
        ({"currency": "XAU"}, "currency"),
        ({"requires": ["reference", "blood"]}, "requires"),
        ({"requires": "reference"}, "requires"),
        ({"requires": [{}]}, "requires"),
        ({"fields": []}, "fields"),
        ({"fields": {"iban": "DE1"}}, "fields"),
        ({"instructions": {"en": 5}}, "instructions"),
        ({"instructions": []}, "instructions"),
        ({"reference_pattern": "(a+)+"}, "reference_pattern"),
        ({"reference_pattern": "#{4}", "reference_example": "12345"}, "reference_example"),
    ],
)
def test_a_method_that_makes_no_sense_is_refused_by_field(change, field):
    fields = {"holder": "A", "iban": "DE89370400440532013000"}
    method = PaymentMethod(**{"code": "x", "name": "X", "kind": BANK, "country": "DE", "fields": fields, **change})

    with pytest.raises(ValidationError) as refusal:
        method.clean()

    assert field in refusal.value.error_dict


def test_a_pattern_that_came_past_the_forms_says_nothing():
    assert PaymentMethod(reference_pattern="(((").expects("anything")


KEYS = st.sampled_from(sorted({field.key for field in FIELDS})) | st.text(max_size=12)
VALUES = st.text(max_size=50) | st.text("0123456789ABab@.-+ ", max_size=30) | st.integers() | st.none()


@deterministic
@given(
    st.sampled_from([*PaymentMethod.Kind, "barter"]),
    st.sampled_from(["", "PK", "BD", "NG", "US"]),
    st.dictionaries(KEYS, VALUES, max_size=6),
)
def test_payee_fields_are_refused_or_normalized_once(kind, country, fields):
    kept, errors = clean_payee(kind, country, fields)

    assert set(errors) <= set(fields) | {field.key for field in FIELDS}
    assert all(isinstance(words, str) for words in errors.values())
    if not errors:
        assert clean_payee(kind, country, kept) == (kept, {})
