from __future__ import annotations

from decimal import Decimal

import pytest

from core.validation.countries import EU_MEMBERS, country_codes
from workflows.tax import rules_from_template
from workflows.tax.rules import tax_of
from workflows.tax.templates import RATES

OTHERS = {"AE", "AU", "CH", "GB", "IN", "NO", "SA", "SG", "ZA"}


def test_templates_are_there_for_the_union_and_nine_others():
    assert set(RATES) == EU_MEMBERS | OTHERS
    assert len(EU_MEMBERS) == 27
    assert country_codes() >= EU_MEMBERS


@pytest.mark.django_db
@pytest.mark.parametrize("country", sorted(RATES))
def test_template_is_taken_by_form_and_database(country):
    for row in rules_from_template(country):
        row.full_clean()
        row.save()
        assert tax_of(row).category == row.category


@pytest.mark.parametrize("country", sorted(EU_MEMBERS))
def test_member_of_the_union_reverses_the_charge_of_businesses_in_the_others(country):
    rows = [(row.customer_country, row.has_tax_id, row.category, row.rate) for row in rules_from_template(country)]

    standard = Decimal(RATES[country])
    assert rows == [
        (country, None, "S", standard), ("EU", True, "AE", 0), ("EU", None, "S", standard), ("", None, "G", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("country", sorted(OTHERS))
def test_other_countries_export_without_tax(country):
    *home, export = rules_from_template(country)

    assert {(row.customer_country, row.category, str(row.rate)) for row in home} == {(country, "S", RATES[country])}
    assert (export.customer_country, export.category, bool(export.reason)) == ("", "G", True)


def test_country_without_a_template_has_none():
    assert rules_from_template("US") == []
