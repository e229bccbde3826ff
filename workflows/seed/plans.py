"""Fixed amounts for each currency, never converted at the rate of the day."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from core.models import Plan, PlanPrice
from core.money import quantize

PLANS: dict[str, dict[str, Any]] = {
    "free": {"name": "Free", "credits": 1_000, "trial_days": 14, "max_sites": 1, "max_users": 1},
    "starter": {"name": "Starter", "credits": 1_000, "max_sites": 1, "max_users": 3},
    "growth": {"name": "Growth", "credits": 3_000, "max_sites": 5, "max_users": 10},
    "scale": {"name": "Scale", "credits": 10_000, "max_sites": 20, "max_users": 50},
    "internal": {"name": "Internal", "credits": 100_000, "is_public": False},
}

# The internal plan has no price: staff assign it and nobody is invoiced for it.
IN_USD = {"free": Decimal(0), "starter": Decimal(89), "growth": Decimal(189), "scale": Decimal(449)}
MONTHS_FOR_A_YEAR = 10  # what a whole year costs

# A month. What another plan costs follows from its price in USD.
STARTER_IN = {
    "USD": Decimal(89),
    "EUR": Decimal(82),
    "GBP": Decimal(70),
    "PKR": Decimal(25_000),
    "INR": Decimal(7_900),
    "BDT": Decimal(10_900),
    "NGN": Decimal(135_000),
    "KES": Decimal(11_500),
    "BRL": Decimal(480),
    "AED": Decimal(327),
}
THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)  # 53,100 and not 53,089.89


def seed_plans() -> int:
    """Existing plans keep the prices they have."""
    added = 0
    for position, (code, facts) in enumerate(PLANS.items(), start=1):
        plan, is_new = Plan.objects.get_or_create(code=code, defaults={**facts, "position": position})
        if is_new:
            PlanPrice.objects.bulk_create(_prices(plan))
            added += 1
    return added


def _prices(plan: Plan) -> Iterator[PlanPrice]:
    if plan.code not in IN_USD:
        return
    in_usd = IN_USD[plan.code]
    for currency, starter in STARTER_IN.items():
        rounded = THREE_DIGITS.plus(in_usd * starter / IN_USD["starter"])
        yield PlanPrice(plan=plan, currency=currency, amount=quantize(rounded, currency))
    if in_usd:
        yield PlanPrice(plan=plan, currency="USD", interval=PlanPrice.Interval.YEAR, amount=in_usd * MONTHS_FOR_A_YEAR)
