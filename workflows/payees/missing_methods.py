from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.models import Invoice, PaymentMethod

CountryAndCurrency = tuple[str, str]  # country and currency of a method: blank for everywhere, for any


@dataclass(frozen=True)
class Ways:
    by_key: dict[object, CountryAndCurrency]

    @classmethod
    def now(cls) -> Ways:
        methods = PaymentMethod.objects.filter(is_enabled=True).order_by()
        return cls({key: (country, currency) for key, country, currency in methods.values_list("pk", *PLACE_COLUMNS)})

    def can_pay_in(self, country: str, currency: str) -> bool:
        return any(
            there in ("", country) and (not currency or money in ("", currency))
            for there, money in self.by_key.values()
        )

    def can_pay(self, invoice: Invoice) -> bool:
        """Like `ways_to_pay`, without a query."""
        chosen = self.by_key.get(invoice.payment_method_id)
        country = invoice.billing_country
        return self.can_pay_in(country, invoice.currency) or (
            chosen is not None and chosen[1] in ("", invoice.currency)
        )


PLACE_COLUMNS = ("country", "currency")


def unpayable(invoices: Iterable[Invoice]) -> list[Invoice]:
    """In one query; needs each one's account."""
    invoices = list(invoices)
    if not invoices:
        return []
    ways = Ways.now()
    return [invoice for invoice in invoices if not ways.can_pay(invoice)]


def places_without_method(before: Iterable[PaymentMethod]) -> Iterator[str]:
    """Where these methods were the last way to pay, in words. before: the methods as they were."""
    ways = Ways.now()
    places = sorted({(method.country, method.currency) for method in before if method.is_enabled})
    if places and not ways.by_key:
        yield "anywhere"
        return
    for country, currency in places:
        if not ways.can_pay_in(country, currency):
            where = f"in {country}" if country else "in countries without a method of their own"
            yield f"{where}, in {currency}" if currency else where
