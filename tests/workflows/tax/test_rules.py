from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from core.models import TaxRule
from workflows.seed.tax_rules import seed_tax_rules
from workflows.tax import Tax, rules_from_template, tax_for

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 2)
CGST_SGST = [{"label": "CGST", "share": 50}, {"label": "SGST", "share": 50}]


def rule(customer: str = "", rate: int | str = 0, *, category: str = "S", seller: str = "DE", **facts) -> TaxRule:
    given = {"valid_from": date(2026, 1, 1), **facts}
    return TaxRule.objects.create(
        seller_country=seller, customer_country=customer, rate=Decimal(rate), category=category, **given
    )


def found(customer: str, *, seller: str = "DE", states: tuple[str, str] = ("", ""), **facts) -> Tax | None:
    given = {"has_valid_tax_id": False, "product_kind": "subscription", "on": TODAY, **facts}
    return tax_for(
        seller_country=seller, seller_region=states[0], customer_country=customer, customer_region=states[1], **given
    )


def rate(*args, **facts) -> Decimal | None:
    tax = found(*args, **facts)
    return tax.rate if tax else None


@pytest.fixture
def germany(db) -> None:
    TaxRule.objects.bulk_create(rules_from_template("DE"))


@pytest.mark.parametrize(
    ("customer", "has_valid_tax_id", "category", "percent"),
    [
        ("DE", False, "S", 19),
        ("DE", True, "S", 19),  # at home nobody's charge is reversed
        ("FR", True, "AE", 0),
        ("FR", False, "S", 19),
        ("CH", True, "G", 0),
        ("US", False, "G", 0),
        ("", False, "S", 19),  # as at home
    ],
)
def test_german_seller_taxes_by_country_and_tax_id(germany, customer, has_valid_tax_id, category, percent):
    tax = found(customer, has_valid_tax_id=has_valid_tax_id)

    assert (tax.category, tax.rate) == (category, percent)


def test_reverse_charge_says_why():
    rule("EU", category="AE", has_tax_id=True, reason="Reverse charge", reason_code="VATEX-EU-AE")

    assert found("FR", has_valid_tax_id=True) == Tax(
        category="AE", reason="Reverse charge", reason_code="VATEX-EU-AE", label="VAT"
    )


def test_more_specific_rules_win_in_their_order():
    least_first = [
        rule(rate=1),
        rule(rate=2, product_kind="credits"),
        rule(rate=3, has_tax_id=False),
        rule(rate=4, has_tax_id=False, product_kind="credits"),
        rule("EU", 5),
        rule("EU", 6, product_kind="credits"),
        rule("EU", 7, has_tax_id=False),
        rule("FR", 8),
        rule("FR", 9, product_kind="credits"),
        rule("FR", 10, has_tax_id=False),
        rule("FR", 11, has_tax_id=False, product_kind="credits"),
    ]

    for expected in reversed(least_first):
        assert rate("FR", product_kind="credits") == expected.rate
        expected.delete()
    assert found("FR") is None


def test_region_counts_for_more_than_tax_id():
    rule("IN", 18, seller="IN", has_tax_id=True)
    rule("IN", 5, seller="IN", same_region=True)

    assert rate("IN", seller="IN", states=("Goa", "Goa"), has_valid_tax_id=True) == 5


@pytest.mark.parametrize(
    ("facts", "is_found"),
    [
        ({"has_tax_id": True}, False),
        ({"has_tax_id": False}, True),
        ({"product_kind": "credits"}, False),
        ({"product_kind": "subscription"}, True),
        ({"customer": "EU"}, True),
        ({"customer": "AT"}, False),
        ({"seller": "AT"}, False),
        ({"is_enabled": False}, False),
        ({"valid_from": date(2026, 11, 3)}, False),
        ({"valid_from": date(2026, 11, 2)}, True),
        ({"valid_until": date(2026, 11, 2)}, True),
        ({"valid_until": date(2026, 11, 1)}, False),
    ],
    ids=str,
)
def test_rule_that_does_not_fit_is_not_used(facts, is_found):
    rule(rate=19, **facts)

    assert rate("FR") == (19 if is_found else None)


@pytest.mark.parametrize(("seller", "customer"), [("DE", "DE"), ("DE", "CH"), ("CH", "NO")])
def test_rule_for_the_union_is_for_other_members(seller, customer):
    rule("EU", 7, seller=seller)

    assert found(customer, seller=seller) is None
    assert rate("FR", seller=seller) == 7


def test_rate_of_the_day_is_used_before_and_after_a_change():
    rule("DE", 16, valid_from=date(2020, 7, 1), valid_until=date(2020, 12, 31))
    rule("DE", 19, valid_from=date(2021, 1, 1))

    assert [rate("DE", on=day) for day in (date(2020, 12, 31), date(2021, 1, 1))] == [16, 19]
    assert rate("DE", on=date(2020, 6, 30)) is None


@pytest.mark.parametrize(
    ("states", "labels"),
    [
        (("Maharashtra", "MH"), ["CGST", "SGST"]),
        (("Maharashtra", "Mahārāshtra"), ["CGST", "SGST"]),
        (("IN-TN", "tamil  nadu"), ["CGST", "SGST"]),
        (("Bombay", "bombay"), ["CGST", "SGST"]),  # not known, and alike
        (("Goa", "Kerala"), ["IGST"]),
        (("GA", "KL"), ["IGST"]),
        (("Goa", "Bombay"), None),
        (("Goa", ""), None),
        (("", "Goa"), None),
        (("", ""), None),
    ],
)
def test_indian_tax_has_the_labels_of_the_two_states(states, labels):
    TaxRule.objects.bulk_create(rules_from_template("IN"))

    tax = found("IN", seller="IN", states=states)

    if tax:
        assert tax.rate == 18
    assert (([label for label, _ in tax.parts] or [tax.label]) if tax else None) == labels


@pytest.mark.parametrize("facts", [{"category": "G"}, {"category": "K", "has_tax_id": True}], ids=str)
def test_rule_for_any_country_exports_nothing_at_home(facts):
    rule(reason="Export", **facts)

    assert found("DE", has_valid_tax_id=True) is None
    assert found("CH", has_valid_tax_id=True).category == facts["category"]


def test_parts_share_the_rate():
    rule("IN", 18, seller="IN", parts=CGST_SGST)

    assert found("IN", seller="IN").parts == (("CGST", Decimal(9)), ("SGST", Decimal(9)))


def test_states_of_two_countries_are_not_compared():
    rule("IN", 18, seller="IN", same_region=True)

    assert found("US", seller="IN", states=("Goa", "Goa")) is None


def test_outside_scope_has_a_reason_of_its_own_in_the_reader_s_language():
    rule(category="O")

    assert found("FR").reason == "Outside the scope of tax"
    with translation.override("ar"):
        assert found("FR").reason == "خارج نطاق الضريبة"


def test_outside_scope_keeps_the_reason_of_its_rule():
    rule(category="O", reason="Not a taxable person")

    assert found("FR").reason == "Not a taxable person"


@pytest.mark.parametrize(("stored", "shown"), [("19", "19"), ("20", "20"), ("8.1", "8.1"), ("9.975", "9.975")])
def test_rate_has_no_zeros_at_its_end(stored, shown):
    rule("FR", stored)

    assert str(rate("FR")) == shown


def test_one_query_finds_the_tax(germany, django_assert_num_queries):
    with django_assert_num_queries(1):
        found("FR", has_valid_tax_id=True)


def test_seller_that_is_not_set_has_no_tax(germany):
    assert found("DE", seller="") is None


def test_seeded_rule_takes_no_tax_from_anybody():
    assert seed_tax_rules() == 1
    assert seed_tax_rules() == 0

    for customer in ("US", "DE", "PK", ""):
        tax = found(customer, seller="US", on=date(2024, 1, 1))
        assert (tax.category, tax.rate) == ("O", 0)


def test_seed_leaves_rules_that_are_there():
    rule("US", 5, seller="US")

    assert seed_tax_rules(["US", "GB"]) == 1

    assert rate("US", seller="US") == 5
    assert rate("FR", seller="US") is None
    assert rate("FR", seller="GB") == 0
