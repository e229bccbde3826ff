from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.models import Plan, PlanPrice

MONTH, YEAR = map(str, PlanPrice.Interval)
DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True)
class Card:
    """saved: how much less a year costs than twelve months."""

    plan: Plan
    price: PlanPrice
    saved: Decimal | None = None


class Catalogue:
    """What is sold in one currency and interval; one that is not sold falls back to one that is."""

    def __init__(self, *, interval: str = "", currency: str = "") -> None:
        self.plans = list(Plan.objects.public())
        self._prices = {plan.pk: plan.offers() for plan in self.plans}
        prices = [price for offers in self._prices.values() for price in offers]
        self.intervals = [code for code in (MONTH, YEAR) if any(price.interval == code for price in prices)]
        self.interval = interval if interval in self.intervals else MONTH
        sold = {price.currency for price in prices if price.interval == self.interval}
        self.currencies = sorted(sold, key=lambda code: (code != DEFAULT_CURRENCY, code))
        first = self.currencies[0] if self.currencies else DEFAULT_CURRENCY
        self.currency = currency if currency in sold else first
        self.cards = [card for plan in self.plans if (card := self._card(plan)) is not None]

    def card(self, code: str) -> Card | None:
        return next((card for card in self.cards if card.plan.code == code), None)

    def is_free(self, code: str) -> bool:
        card = self.card(code)
        return card is not None and card.price.amount == 0

    def _card(self, plan: Plan) -> Card | None:
        """A free plan is offered for any interval."""
        prices = {(price.interval, price.currency): price for price in self._prices[plan.pk]}
        month, price = prices.get((MONTH, self.currency)), prices.get((self.interval, self.currency))
        if price is None:
            price = month if month is not None and month.amount == 0 else None
        if price is None:
            return None
        saved = month.amount * 12 - price.amount if month and price.interval == YEAR else None
        return Card(plan, price, saved if saved and saved > 0 else None)
