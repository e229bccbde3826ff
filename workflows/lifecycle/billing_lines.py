"""What an invoice bills: its lines in the customer's language, and their tax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from core.models import Account, Invoice, InvoiceLine, Plan, PlanPrice, SellerVersion, Subscription
from core.models.document import SELLER, TAX_RULE
from core.models.invoice_line import LONGEST_DESCRIPTION
from core.models.subscription import Terms
from core.money import money_text
from workflows.periods import last_day_of, prorated
from workflows.tax.arithmetic import Calculation, Item, Tax, TaxTotal, calculate
from workflows.tax.checks import check
from workflows.tax.rules import tax_for
from workflows.tax.tax_ids import TaxIdCheck, check_tax_id

NO_RULE = Tax(category="O")
UNITS = {PlanPrice.Interval.MONTH: InvoiceLine.Unit.MONTH, PlanPrice.Interval.YEAR: InvoiceLine.Unit.YEAR}


class WrongAmountsError(RuntimeError):
    """A calculation is not right to the cent: a bug, so no invoice is issued."""


@dataclass(frozen=True)
class Billed:
    calculation: Calculation
    seller: SellerVersion | None
    tax_id: TaxIdCheck | None
    missing: list[str]

    def details(self) -> dict[str, Any]:
        """As `Invoice.tax_details` keeps it."""
        return {
            "includes_tax": self.calculation.includes_tax,
            "taxes": [_tax_as_json(each, self.calculation.currency) for each in self.calculation.taxes],
            **({"tax_id": self.tax_id.as_json()} if self.tax_id else {}),
            **({"missing": self.missing} if self.missing else {}),
        }

    def lines(self, invoice: Invoice) -> Iterator[InvoiceLine]:
        for position, line in enumerate(self.calculation.lines, start=1):
            yield InvoiceLine(
                invoice=invoice,
                position=position,
                kind=line.item.kind,
                description=line.item.description[:LONGEST_DESCRIPTION],
                quantity=line.quantity,
                unit=line.unit,
                unit_price=line.unit_price,
                net=line.net,
                amount=line.item.amount,
                tax_category=line.item.tax.category,
                tax_rate=line.item.tax.rate,
                period_start=line.item.period_start,
                period_end=line.item.period_end,
            )


def bill(
    account: Account,
    subscription: Subscription,
    plan: Plan,
    terms: Terms,
    *,
    amount: Decimal,
    purpose: Invoice.Purpose,
    period: tuple[date, date] | None,
    on: date,
) -> Billed:
    """Never refuses for want of a seller or a tax rule: `missing` says so. Raises WrongAmountsError."""
    seller = SellerVersion.current()
    tax_id = check_tax_id(account.tax_id, account.country) if account.tax_id else None
    with override(account.language):
        tax = _tax(account, seller, tax_id, on)
        items = _items(subscription, plan, terms, amount=amount, purpose=purpose, period=period, tax=tax or NO_RULE)
    calculation = calculate(items, currency=subscription.currency, includes_tax=terms.includes_tax)
    if wrong := check(calculation):
        raise WrongAmountsError("; ".join(wrong))
    missing = [SELLER] if seller is None else [TAX_RULE] if tax is None else []
    return Billed(calculation, seller, tax_id, missing)


def quote(account: Account, price: PlanPrice, *, on: date) -> Billed:
    """What a first invoice of that price would bill. Raises WrongAmountsError."""
    terms = Terms.of(price)
    subscription = Subscription(account=account, plan=price.plan, currency=price.currency)
    first = Invoice.Purpose.FIRST
    return bill(account, subscription, price.plan, terms, amount=terms.price, purpose=first, period=None, on=on)


def _tax(account: Account, seller: SellerVersion | None, tax_id: TaxIdCheck | None, on: date) -> Tax | None:
    if seller is None:
        return None
    return tax_for(
        seller_country=seller.country,
        seller_region=seller.state,
        customer_country=account.country,
        customer_region=account.state,
        has_valid_tax_id=tax_id is not None and tax_id.is_valid,
        product_kind=InvoiceLine.Kind.SUBSCRIPTION,
        on=on,
    )


def _items(
    subscription: Subscription,
    plan: Plan,
    terms: Terms,
    *,
    amount: Decimal,
    purpose: Invoice.Purpose,
    period: tuple[date, date] | None,
    tax: Tax,
) -> list[Item]:
    kind = InvoiceLine.Kind.SUBSCRIPTION
    if purpose == Invoice.Purpose.UPGRADE and period is not None and subscription.period_start is not None:
        on, end = period
        rest = prorated(subscription.price, subscription.currency, on=on, start=subscription.period_start, end=end)
        days: Any = {"period_start": on, "period_end": end}
        span = {"start": _day(on), "end": _day(last_day_of(end))}
        new = _("%(plan)s, %(start)s to %(end)s") % {"plan": plan.name, **span}
        old = _("Unused rest of %(plan)s") % {"plan": subscription.plan.name}
        items = [Item(description=new, amount=amount + rest, tax=tax, kind=kind, **days)]
        return [*items, Item(description=old, amount=-rest, tax=tax, kind=kind, **days)] if rest else items
    words = _("%(plan)s, one year") if terms.interval == PlanPrice.Interval.YEAR else _("%(plan)s, one month")
    return [
        Item(
            description=words % {"plan": plan.name},
            amount=amount,
            tax=tax,
            unit=UNITS[PlanPrice.Interval(terms.interval)],
            period_start=period and period[0],
            period_end=period and period[1],
            kind=kind,
        )
    ]


def _day(day: date) -> str:
    return date_format(day, "j F Y")


def _tax_as_json(found: TaxTotal, currency: str) -> dict[str, Any]:
    parts = [[label, money_text(amount, currency)] for label, amount in found.parts]
    return {
        "category": found.tax.category,
        "rate": f"{found.tax.rate.normalize():f}",
        "label": found.tax.label,
        "base": money_text(found.base, currency),
        "amount": money_text(found.amount, currency),
        **({"reason": found.tax.reason} if found.tax.reason else {}),
        **({"reason_code": found.tax.reason_code} if found.tax.reason_code else {}),
        **({"parts": parts} if parts else {}),
    }
