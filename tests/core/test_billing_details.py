from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from core.models.account import BILLING_FIELDS
from core.models.billing_details import billing_errors, check_billing_change
from core.problems import ValidationError
from core.validation.countries import country_codes
from tests.hypothesis_profile import deterministic

DETAILS = {
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "address_line2": "",
    "city": "Berlin",
    "state": "",
    "postal_code": "10115",
    "country": "DE",
    "tax_id": "DE136695976",
}


def test_a_business_is_billed_as_it_is():
    assert billing_errors(DETAILS, is_paid=True) == {}


def test_free_plan_needs_no_address():
    assert billing_errors({}, is_paid=False) == {}
    assert set(billing_errors({}, is_paid=True)) == {"billing_email", "address_line1", "city", "country"}
    assert set(billing_errors({"city": "  "}, is_paid=True)) >= {"city"}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("billing_email", "bills@localhost"),
        ("billing_email", "bills"),
        ("billing_email", "a" * 250 + "@acme.test"),
        ("address_line1", "x" * 201),
        ("address_line2", "two\nlines"),
        ("city", "Ber\x00lin"),
        ("state", "\u202eevil"),
        ("country", "de"),
        ("country", "XX"),
        ("postal_code", "SW1A 1AA"),
        ("tax_id", "GB980780684"),
    ],
)
def test_invalid_billing_details_are_named_by_field(field, text):
    errors = billing_errors(DETAILS | {field: text}, is_paid=False)

    assert errors[field]
    assert all(isinstance(line, str) for line in errors[field])


def test_an_error_shows_what_would_do():
    errors = billing_errors(DETAILS | {"tax_id": "x1", "postal_code": "1"}, is_paid=False)

    assert errors["tax_id"] == ["This is no valid tax id (VAT number) of the country. It looks like DE136695976."]
    assert errors["postal_code"] == ["This is no postal code of the country. It looks like 12345."]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"country": "FR", "postal_code": "75001"}, {"tax_id"}),
        ({"country": "PK", "postal_code": "54000"}, {"tax_id"}),  # whose own would be taken for any
        ({"country": "GB"}, {"tax_id", "postal_code"}),
        ({"country": "PK", "postal_code": "54000", "tax_id": "1234567-8"}, set()),
        ({"country": "PK", "postal_code": "", "tax_id": ""}, set()),
        ({"country": "DE"}, set()),  # did not move
        ({"city": "Köln"}, set()),
        ({"tax_id": "DE136695977"}, {"tax_id"}),
        ({"postal_code": "1"}, {"postal_code"}),
    ],
)
def test_a_change_is_judged_with_what_stays(changes, named):
    if not named:
        check_billing_change(DETAILS, changes)
        return
    with pytest.raises(ValidationError) as refusal:
        check_billing_change(DETAILS, changes)
    assert set(refusal.value.members["errors"]) == named


def test_details_from_before_a_rule_do_not_stop_other_changes():
    check_billing_change(DETAILS | {"tax_id": "???", "postal_code": "?"}, {"city": "Köln"})


TEXTS = st.dictionaries(st.sampled_from(BILLING_FIELDS), st.text(max_size=40))
COUNTRIES = st.sampled_from(["", "??", *sorted(country_codes())])


@deterministic
@given(TEXTS, COUNTRIES, st.booleans())
def test_any_text_gets_errors_by_field_and_nothing_else(details, country, is_paid):
    errors = billing_errors(details | {"country": country}, is_paid=is_paid)

    assert set(errors) <= set(BILLING_FIELDS)
    assert all(lines and all(lines) for lines in errors.values())


@deterministic
@given(TEXTS, COUNTRIES)
def test_accepted_details_are_accepted_again(details, country):
    details = {**details, "country": country}
    if not billing_errors(details, is_paid=False):
        check_billing_change({}, details)
        check_billing_change(details, details)


def test_a_customer_is_told_in_their_language():
    with translation.override("ar"):
        errors = billing_errors(DETAILS | {"tax_id": "x1", "billing_email": "x"}, is_paid=True)

    assert errors["billing_email"] == ["عنوان البريد الإلكتروني غير صالح."]
    assert "رقم ضريبة القيمة المضافة" in errors["tax_id"][0]
    assert "DE136695976" in errors["tax_id"][0]
