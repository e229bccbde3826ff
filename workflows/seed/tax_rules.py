from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from core.models import TaxRule

SELLER_COUNTRIES = ("US",)  # where the demo's companies are
FIRST_DAY = date(2020, 1, 1)  # before all invoices of a demo


def seed_tax_rules(countries: Iterable[str] = SELLER_COUNTRIES) -> int:
    """Outside scope, 0 %: seeded prices are what a customer pays. A country that has rules keeps them."""
    known = set(TaxRule.objects.values_list("seller_country", flat=True))
    missing = [country for country in countries if country not in known]
    TaxRule.objects.bulk_create(
        TaxRule(seller_country=country, category=TaxRule.Category.OUTSIDE_SCOPE, valid_from=FIRST_DAY)
        for country in missing
    )
    return len(missing)
