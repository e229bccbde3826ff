from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.validation.countries import country_codes
from core.validation.tax_ids import TAX_IDS, is_tax_id, tax_id_example, tax_id_label
from tests.hypothesis_profile import deterministic

CHECKED = sorted(country for country, known in TAX_IDS.items() if known.is_checked)
EUROPEAN_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("somebody reached for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("country", sorted(TAX_IDS))
def test_the_example_that_a_form_shows_is_accepted(country, no_network):
    assert is_tax_id(country, tax_id_example(country))
    assert tax_id_label(country)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("US", "12-3456789"),  # an EIN
        ("US", "123456789"),
        ("US", "123-45-6789"),  # a sole trader's
        ("DE", "136695976"),
        ("DE", "de 136 695 976"),
        ("DE", "181/815/08155"),  # of the local tax office
        ("GB", "GB 980 7806 84"),
        ("GB", "XI980780684"),  # in Northern Ireland
        ("GB", "1955839661"),  # a UTR
        ("GR", "EL 094259216"),
        ("GR", "094259216"),
        ("FR", "73282932000074"),  # a SIRET
        ("HU", "12892312-2-41"),  # as used at home
        ("IN", "27AAPFU0939F1ZV"),
        ("IN", "ACUPA7085R"),  # a PAN
        ("BR", "16727230000197"),
        ("BR", "390.533.447-05"),  # a CPF
        ("CH", "CHE-107.787.577 MWST"),
        ("NO", "NO 995 525 828 MVA"),
        ("NO", "995525828"),
        ("JP", "T5835678256246"),
        ("SG", "M2-0012345-6"),
        ("MX", "GODE561231GR8"),
        ("KE", "P051365947M"),
        ("AE", "100-1234-5670-0003"),
        ("ZA", "4123456789"),
        ("PK", "1234567-8"),
        ("PK", "D123456-7"),
        ("NG", "12345678-0001"),
        ("BD", "000123456-0101"),
        ("GH", "GHA-123456789-0"),
        ("", "AB-12345"),  # no country is known yet
    ],
)
def test_ids_that_businesses_really_have_are_accepted(country, text):
    assert is_tax_id(country, text)


@pytest.mark.parametrize(
    ("country", "text"),
    [
        ("DE", "DE136695977"),
        ("DE", "FR23334175221"),
        ("FR", "DE136695976"),
        ("GB", "DE136695976"),
        ("AT", "GB980780684"),
        ("IN", "27AAPFU0939F1ZW"),
        ("BR", "16.727.230/0001-98"),
        ("KE", "X051365947M"),
        ("AE", "10012345670000"),
        ("US", "12-345678"),
        ("US", "DE136695976"),
        ("PK", "n/a"),
        ("PK", "none"),
        ("PK", "1"),
        ("PK", "12345\n678"),
        ("PK", "1" * 33),
    ],
)
def test_invalid_value_is_refused(country, text):
    assert not is_tax_id(country, text)


@pytest.mark.parametrize("country", [c for c in EUROPEAN_UNION if c in TAX_IDS])
def test_a_vat_number_of_the_union_is_checked_to_its_last_digit(country):
    example = tax_id_example(country)
    place = max(place for place, letter in enumerate(example) if letter.isdigit())
    others = [example[:place] + digit + example[place + 1 :] for digit in "0123456789" if digit != example[place]]

    assert not all(is_tax_id(country, other) for other in others)


def test_every_country_of_the_union_is_known():
    assert set(EUROPEAN_UNION) <= set(CHECKED)
    assert set(TAX_IDS) <= country_codes()


@deterministic
@given(st.sampled_from(["", "ZZ", *sorted(TAX_IDS)]), st.text(max_size=40))
def test_any_text_is_accepted_or_refused(country, text):
    if is_tax_id(country, text):
        assert all(letter.isascii() or letter in "Ññ" for letter in text)


@deterministic
@given(st.sampled_from(CHECKED), st.text("0123456789ABCDEFGTXYZ&Ñ -./", max_size=20))
def test_no_text_makes_the_library_stumble(country, text):
    assert is_tax_id(country, text) in {True, False}
