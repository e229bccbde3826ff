"""What the database takes as a rule of tax, and what the form says before."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import TaxRule

pytestmark = pytest.mark.django_db

CGST_SGST = [{"label": "CGST", "share": 50}, {"label": "SGST", "share": 50}]
STANDARD = {"seller_country": "DE", "customer_country": "DE", "category": "S", "rate": Decimal(19)}
REVERSE = {"seller_country": "DE", "customer_country": "EU", "has_tax_id": True, "category": "AE", "reason": "Reverse"}


def rule(**facts) -> TaxRule:
    return TaxRule(**{**STANDARD, "valid_from": date(2026, 1, 1), **facts})


def refused_by_the_database(row: TaxRule, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=f'"{constraint}"'), atomic():
        row.save()


def wrong_fields(row: TaxRule) -> set[str]:
    with pytest.raises(ValidationError) as refusal:
        row.full_clean()
    return set(refusal.value.message_dict)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        REVERSE,
        {"rate": Decimal("25.5")},
        {"category": "Z", "rate": 0},
        {"category": "O", "rate": 0, "customer_country": ""},
        {"category": "E", "rate": 0, "reason": "Education", "reason_code": "VATEX-EU-132"},
        {"seller_country": "IN", "customer_country": "IN", "same_region": True, "parts": CGST_SGST},
        {"product_kind": "credits"},
        {"valid_until": date(2026, 1, 1)},
    ],
    ids=str,
)
def test_sound_rule_is_taken_by_form_and_database(facts):
    facts = {"rate": 0, **facts} if facts.get("category", "S") != "S" else facts
    row = rule(**facts)

    row.full_clean()
    row.save()

    assert TaxRule.objects.get().category == row.category


@pytest.mark.parametrize(
    ("facts", "constraint", "field"),
    [
        ({"seller_country": "de", "customer_country": ""}, "tax_rule_place", "seller_country"),
        ({"seller_country": "", "customer_country": ""}, "tax_rule_place", "seller_country"),
        ({"customer_country": "dE"}, "tax_rule_place", "customer_country"),
        ({"customer_country": "AT", "same_region": True}, "tax_rule_place", "same_region"),
        ({"customer_country": "", "same_region": False}, "tax_rule_place", "same_region"),
        ({"category": "X", "rate": 0}, "tax_rule_known", "category"),
        ({"product_kind": "shoes"}, "tax_rule_known", "product_kind"),
        ({"label": ""}, "tax_rule_known", "label"),
        ({"rate": Decimal(0)}, "tax_rule_rate", "rate"),
        ({"rate": Decimal("100.001")}, "tax_rule_rate", "rate"),
        ({"rate": Decimal(-1)}, "tax_rule_rate", "rate"),
        ({"category": "O"}, "tax_rule_rate", "rate"),
        ({"category": "E", "rate": 0}, "tax_rule_reason", "reason"),
        ({"category": "G", "rate": 0, "customer_country": "US"}, "tax_rule_reason", "reason"),
        ({**REVERSE, "rate": 0, "reason": ""}, "tax_rule_reason", "reason"),
        ({**REVERSE, "rate": 0, "category": "K", "reason": ""}, "tax_rule_reason", "reason"),
        ({"reason_code": "EU-132"}, "tax_rule_reason_code", "reason_code"),
        ({**REVERSE, "rate": 0, "has_tax_id": None}, "tax_rule_needs_tax_id", "has_tax_id"),
        ({**REVERSE, "rate": 0, "has_tax_id": False}, "tax_rule_needs_tax_id", "has_tax_id"),
        ({**REVERSE, "rate": 0, "category": "K", "has_tax_id": None}, "tax_rule_needs_tax_id", "has_tax_id"),
        ({"category": "G", "rate": 0, "reason": "Export"}, "tax_rule_abroad", "category"),
        ({**REVERSE, "rate": 0, "category": "K", "customer_country": "DE"}, "tax_rule_abroad", "category"),
        ({"category": "Z", "rate": 0, "parts": CGST_SGST}, "tax_rule_parts", "parts"),
        ({"valid_until": date(2025, 12, 31)}, "tax_rule_days", "valid_until"),
    ],
    ids=str,
)
def test_wrong_rule_is_refused_by_form_and_database(facts, constraint, field):
    row = rule(**facts)

    assert field in wrong_fields(row)
    refused_by_the_database(row, constraint)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        5,
        "CGST",
        [1, 2],
        [CGST_SGST[0]],
        [*CGST_SGST, *CGST_SGST],
        [CGST_SGST[0], CGST_SGST[0]],
        [{"label": "CGST", "share": 50}, {"label": "SGST", "share": 51}],
        [{"label": "CGST", "share": 0}, {"label": "SGST", "share": 100}],
        [{"label": "CGST", "share": -1}, {"label": "SGST", "share": 101}],
        [{"label": "CGST", "share": 49.5}, {"label": "SGST", "share": 50.5}],
        [{"label": "", "share": 50}, {"label": "SGST", "share": 50}],
        [{"label": 5, "share": 50}, {"label": "SGST", "share": 50}],
        [{"label": "CGST", "share": "50"}, {"label": "SGST", "share": "50"}],
        [{"share": 50}, {"label": "SGST", "share": 50}],
        [{"label": "CGST"}, {"label": "SGST", "share": 50}],
        [None, {"label": "SGST", "share": 50}],
    ],
    ids=str,
)
def test_parts_without_their_shape_are_refused_by_form_and_database(parts):
    row = rule(parts=parts)

    assert wrong_fields(row) == {"parts"}
    refused_by_the_database(row, "tax_rule_parts")


def test_rate_that_is_no_number_is_refused_by_the_database():
    rule().save()

    with pytest.raises(IntegrityError, match="tax_rule_rate"), atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE core_taxrule SET rate = 'NaN'")


@pytest.mark.parametrize("code", ["XX", "USA"])
def test_country_that_is_none_is_refused_by_the_form(code):
    assert "seller_country" in wrong_fields(rule(seller_country=code, customer_country=""))
    assert "customer_country" in wrong_fields(rule(customer_country=code))


def test_union_is_no_seller():
    assert wrong_fields(rule(seller_country="EU", customer_country="EU")) == {"seller_country"}


@pytest.mark.parametrize(
    ("first", "second", "is_taken"),
    [
        ({}, {}, False),
        ({}, {"rate": Decimal(20)}, False),  # for the same sales
        ({"valid_until": date(2026, 6, 30)}, {"valid_from": date(2026, 6, 30)}, False),  # one day in both
        ({"valid_until": date(2026, 6, 30)}, {"valid_from": date(2026, 7, 1)}, True),
        ({"is_enabled": False}, {}, True),
        ({}, {"is_enabled": False}, True),
        ({}, {"product_kind": "credits"}, True),
        ({}, {"has_tax_id": True}, True),
        ({}, {"has_tax_id": False}, True),
        ({"has_tax_id": True}, {"has_tax_id": True}, False),
        ({}, {"same_region": False}, True),
        ({"same_region": True}, {"same_region": False}, True),
        ({"same_region": False}, {"same_region": False}, False),
        ({}, {"customer_country": ""}, True),
        ({"customer_country": ""}, {"seller_country": "AT", "customer_country": ""}, True),
    ],
    ids=str,
)
def test_sales_of_a_day_have_one_enabled_rule(first, second, is_taken):
    rule(**first).save()
    row = rule(**second)

    if is_taken:
        row.full_clean()
        row.save()
    else:
        assert wrong_fields(row) == {"__all__"}
        refused_by_the_database(row, "tax_rule_once_at_a_time")
    assert TaxRule.objects.count() == 1 + is_taken


def test_rule_that_stands_may_be_saved_again():
    row = rule()
    row.save()

    row.rate = Decimal(20)
    row.full_clean()
    row.save()

    assert TaxRule.objects.get().rate == 20


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({}, "DE to DE: S VAT 19 %"),
        ({**REVERSE, "rate": 0}, "DE to EU, with tax id: AE VAT 0 %"),
        ({"customer_country": "", "product_kind": "credits"}, "DE to any country, credits: S VAT 19 %"),
        ({"same_region": False, "has_tax_id": False, "rate": Decimal("8.100")},
         "DE to DE, another region, without tax id: S VAT 8.1 %"),
    ],
    ids=str,
)  # fmt: skip
def test_rule_says_what_it_is_about(facts, text):
    assert str(rule(**facts)) == text
