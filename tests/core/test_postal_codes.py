from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.validation.countries import country_codes
from core.validation.postal_codes import MASKS, is_postal_code, postal_code_example, postal_code_label
from tests.hypothesis_profile import deterministic


@pytest.mark.parametrize("country", sorted(MASKS))
def test_the_example_that_a_form_shows_is_accepted(country):
    assert country in country_codes()
    assert is_postal_code(country, postal_code_example(country))


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("US", "62701"),
        ("US", "62701-1234"),
        ("GB", "SW1A 1AA"),
        ("GB", "m11ae"),
        ("GB", "B33 8TH"),
        ("GB", "CR2 6XH"),
        ("GB", "DN55 1PT"),
        ("GB", "W1A 1HQ"),
        ("GB", "GIR 0AA"),
        ("CA", "K1A 0B6"),
        ("IE", "D6W XY00"),
        ("IE", "A65 F4E2"),
        ("NL", "1012 AB"),
        ("DE", "D-10115"),
        ("FI", "FIN-00100"),
        ("LT", "LT-01100"),
        ("SE", "111 22"),
        ("JP", "1000001"),
        ("BR", "01310-100"),
        ("AE", "00000"),  # has none; people type something where a form asks
        ("HK", "999077"),
        ("", "AB1 2CD"),
    ],
)
def test_codes_as_people_write_them_are_accepted(country, text):
    assert is_postal_code(country, text)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("US", "6270"),
        ("US", "62701-12"),
        ("US", "SW1A 1AA"),
        ("GB", "62701"),
        ("DE", "1234"),
        ("CA", "K1A 0BB"),
        ("IN", "11000"),
        ("AE", "Zürich 1"),
        ("AE", "12\n34"),
        ("PK", "540000"),
    ],
)
def test_invalid_value_is_refused(country, text):
    assert not is_postal_code(country, text)


@pytest.mark.parametrize(
    ("country", "label"), [("US", "ZIP code"), ("GB", "Postcode"), ("BR", "CEP"), ("DE", "Postal code")]
)
def test_a_form_calls_it_what_people_there_call_it(country, label):
    assert postal_code_label(country) == label


@deterministic
@given(st.sampled_from(["", "AE", *sorted(MASKS)]), st.text(max_size=30))
def test_any_text_is_accepted_or_refused(country, text):
    if is_postal_code(country, text):
        assert text.isascii()
