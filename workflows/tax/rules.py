"""Which rule an invoice is taxed by. docs/tax.md tells operators the order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from core.models import TaxRule
from core.models.tax_rule import ABROAD, WHOLE, plain
from core.validation.countries import EU, EU_MEMBERS
from workflows.tax.arithmetic import Tax
from workflows.tax.regions import is_same_region


def tax_for(
    *,
    seller_country: str,
    seller_region: str,
    customer_country: str,
    customer_region: str,
    has_valid_tax_id: bool,
    product_kind: str,
    on: date,
) -> Tax | None:
    """Of the most specific rule; None: there is no rule. A customer without a country counts as one at home.

    `has_valid_tax_id`: as `check_tax_id` found for the customer's country.
    """
    country = customer_country or seller_country
    is_at_home = country == seller_country
    region = is_same_region(country, seller_region, customer_region) if is_at_home else None
    others = [EU] if country in EU_MEMBERS and not is_at_home else []
    fitting = TaxRule.objects.filter(
        Q(valid_until=None) | Q(valid_until__gte=on),
        Q(has_tax_id=None) | Q(has_tax_id=has_valid_tax_id),
        Q(same_region=None) | Q(same_region=region),
        is_enabled=True,
        seller_country=seller_country,
        customer_country__in=["", country, *others],
        product_kind__in=["", product_kind],
        valid_from__lte=on,
    )
    if is_at_home:
        fitting = fitting.exclude(category__in=ABROAD)  # which a rule for any country may have
    # No two are equally specific: the database takes no second rule for the same sales and day.
    rule = max(fitting, key=_specificity, default=None)
    return tax_of(rule) if rule else None


def tax_of(rule: TaxRule) -> Tax:
    rate = Decimal(plain(rule.rate))
    reason = rule.reason
    if rule.category == TaxRule.Category.OUTSIDE_SCOPE:
        reason = reason or _("Outside the scope of tax")  # EN 16931 BR-O-10 asks for one
    return Tax(
        category=rule.category,
        rate=rate,
        label=rule.label,
        reason=reason,
        reason_code=rule.reason_code,
        parts=tuple((part["label"], rate * part["share"] / WHOLE) for part in rule.parts),
    )


def _specificity(rule: TaxRule) -> tuple[int, bool, bool, bool]:
    place = 0 if not rule.customer_country else 1 if rule.customer_country == EU else 2
    return place, rule.same_region is not None, rule.has_tax_id is not None, bool(rule.product_kind)
