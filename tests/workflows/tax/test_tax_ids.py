from __future__ import annotations

import json

import pytest

from workflows.tax import check_tax_id

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("country", "text", "is_valid"),
    [
        ("DE", "DE136695976", True),
        ("DE", "de 136 695 976", True),
        ("DE", "DE136695977", False),  # another check digit
        ("DE", "136695976", False),  # no prefix
        ("DE", "181/815/08155", False),  # of the local tax office
        ("FR", "DE136695976", False),  # of another country
        ("DE", "FR23334175221", False),
        ("GR", "EL094259216", True),
        ("GR", "GR094259216", True),
        ("ES", "54362315K", False),  # of a person
        ("ES", "ESB64717838", True),
        ("FR", "73282932000074", False),  # a SIRET
        ("HU", "12892312-2-41", False),  # as used at home
        ("NL", "NL004495445B01", True),
        ("GB", "GB980780684", True),
        ("GB", "980780684", True),
        ("IN", "27AAPFU0939F1ZV", True),
        ("IN", "ACUPA7085R", False),  # a PAN, which is no registration
        ("AU", "83 914 571 673", True),
        ("CH", "CHE-100.155.212", True),
        ("", "DE136695976", False),
        ("DE", "", False),
    ],
)
def test_tax_id_is_valid_with_right_check_digits_of_its_country(country, text, is_valid):
    assert check_tax_id(text, country).is_valid is is_valid


@pytest.mark.parametrize(("country", "text"), [("AE", "100123456700003"), ("SA", "300123456700003"), ("XX", "1")])
def test_number_without_check_digits_is_not_valid_and_the_means_say_so(country, text):
    check = check_tax_id(text, country)

    assert (check.is_valid, check.by) == (False, "none")


def test_check_can_be_kept_with_an_invoice(clock):
    check = check_tax_id("DE 136695976", "DE")

    assert json.loads(json.dumps(check.as_json())) == {
        "value": "DE 136695976",
        "country": "DE",
        "is_valid": True,
        "checked_at": check.checked_at.isoformat(),
        "by": "check digits",
    }
