"""Net, tax and total of an invoice, to the cent. docs/tax.md has an example of each way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from core.money import CEILING, minor_units, quantize

# EN 16931, code list UNCL5305: standard, zero, exempt, reverse charge, outside scope, export, within the EU.
CATEGORIES = ("S", "Z", "E", "AE", "O", "G", "K")
TAXED = "S"  # the only one with a rate above zero

UNIT_PRICE_DECIMALS = 6
ONE = "C62"  # unit of what is counted; MON is a month

SMALLEST_QUANTITY = Decimal("0.0001")
NOTHING = Decimal(0)
HUNDRED = Decimal(100)

Key = tuple[str, Decimal]  # category and rate: what is taxed together


@dataclass(frozen=True, kw_only=True)
class Tax:
    category: str
    rate: Decimal = NOTHING  # percent
    label: str = "VAT"
    reason: str = ""
    reason_code: str = ""  # VATEX
    parts: tuple[tuple[str, Decimal], ...] = ()  # labels and rates that are shown instead: CGST 9, SGST 9

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES:
            raise ValueError(f"{self.category!r} is not a tax category")
        if not (self.rate.is_finite() and 0 <= self.rate <= HUNDRED) or (self.rate and self.category != TAXED):
            raise ValueError(f"{self.category} {self.rate} is not a rate")
        if self.parts and sum(rate for _, rate in self.parts) != self.rate:
            raise ValueError(f"{self.parts} do not make {self.rate}")

    @property
    def key(self) -> Key:
        return self.category, self.rate


@dataclass(frozen=True, kw_only=True)
class Item:
    """What is sold, or, with a negative amount, taken back."""

    description: str
    amount: Decimal  # of the whole quantity, net or gross as the prices are
    tax: Tax
    quantity: Decimal = Decimal(1)
    unit: str = ONE
    period_start: date | None = None
    period_end: date | None = None
    kind: str = ""


@dataclass(frozen=True)
class CalculatedLine:
    item: Item  # with its amount rounded
    quantity: Decimal  # has the sign: a unit price is never below zero (EN 16931 BR-27)
    unit: str
    unit_price: Decimal
    net: Decimal


@dataclass(frozen=True)
class TaxTotal:
    tax: Tax
    base: Decimal
    amount: Decimal
    parts: tuple[tuple[str, Decimal], ...] = ()  # labels and amounts


@dataclass(frozen=True)
class Calculation:
    currency: str
    includes_tax: bool
    lines: tuple[CalculatedLine, ...]
    taxes: tuple[TaxTotal, ...]
    net: Decimal
    tax: Decimal
    total: Decimal


def calculate(items: Iterable[Item], *, currency: str, includes_tax: bool) -> Calculation:
    """Raises ValueError for amounts and quantities that are none."""
    rounded = [replace(item, amount=_amount(item, currency)) for item in items]
    nets = [item.amount for item in rounded]
    taxes = []
    for places in _by_key(rounded).values():
        amounts = [rounded[place].amount for place in places]
        tax = _merged([rounded[place].tax for place in places])
        taxes.append(_included(amounts, tax, currency) if includes_tax else _on_top(amounts, tax, currency))
        if includes_tax:
            shares = shared(taxes[-1].base, [_without(tax, amount) for amount in amounts], currency)
            for place, share in zip(places, shares, strict=True):
                nets[place] = share
    net, tax_amount = _sum(nets, currency), _sum((each.amount for each in taxes), currency)
    return Calculation(
        currency=currency,
        includes_tax=includes_tax,
        lines=tuple(_line(item, share, currency) for item, share in zip(rounded, nets, strict=True)),
        taxes=tuple(taxes),
        net=net,
        tax=tax_amount,
        total=net + tax_amount,
    )


def _amount(item: Item, currency: str) -> Decimal:
    amount, quantity = abs(item.amount), abs(item.quantity)
    is_sound = amount.is_finite() and quantity.is_finite()
    if not is_sound or amount >= CEILING or not SMALLEST_QUANTITY <= quantity < CEILING:
        raise ValueError(f"{item.quantity} for {item.amount} cannot stand on an invoice")
    return _rounded(item.amount, currency)


def _by_key(items: Sequence[Item]) -> dict[Key, list[int]]:
    places: dict[Key, list[int]] = {}
    for place, item in enumerate(items):
        places.setdefault(item.tax.key, []).append(place)
    return places


def _merged(taxes: Sequence[Tax]) -> Tax:
    """The first with the reasons of all: an invoice has one row for each category and rate."""
    codes = {tax.reason_code for tax in taxes}
    return replace(
        taxes[0],
        reason="; ".join(dict.fromkeys(tax.reason for tax in taxes if tax.reason)),
        reason_code=codes.pop() if len(codes) == 1 else "",
    )


def _on_top(nets: Sequence[Decimal], tax: Tax, currency: str) -> TaxTotal:
    base = _sum(nets, currency)
    if not tax.parts:
        return TaxTotal(tax, base, _rounded(base * tax.rate / HUNDRED, currency))
    # Each is a tax of its own: India takes no return in which CGST and SGST differ.
    parts = tuple((label, _rounded(base * rate / HUNDRED, currency)) for label, rate in tax.parts)
    return TaxTotal(tax, base, _sum((amount for _, amount in parts), currency), parts)


def _included(amounts: Sequence[Decimal], tax: Tax, currency: str) -> TaxTotal:
    """Tax is gross less net: a sixth of all gross prices is no net price plus 19 %."""
    gross = _sum(amounts, currency)
    if not tax.parts:
        base = _rounded(_without(tax, gross), currency)
        return TaxTotal(tax, base, gross - base)
    parts = tuple((label, _rounded(gross * rate / (HUNDRED + tax.rate), currency)) for label, rate in tax.parts)
    amount = _sum((amount for _, amount in parts), currency)
    return TaxTotal(tax, gross - amount, amount, parts)


def _without(tax: Tax, gross: Decimal) -> Decimal:
    return gross * HUNDRED / (HUNDRED + tax.rate)


def shared(total: Decimal, shares: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Each share rounded; what is missing then goes to those that are the furthest off. Nothing stays nothing.

    If all shares are nothing, so are the parts, whatever the total.
    """
    rounded = [_rounded(share, currency) for share in shares]
    unit = Decimal(1).scaleb(-minor_units(currency))
    missing = int((total - sum(rounded)) / unit)
    step = unit.copy_sign(missing)
    taking = (place for place, share in enumerate(shares) if share)
    furthest = sorted(taking, key=lambda place: (rounded[place] - shares[place]) * step)
    for turn in range(abs(missing) if furthest else 0):
        rounded[furthest[turn % len(furthest)]] += step
    return rounded


def _line(item: Item, net: Decimal, currency: str) -> CalculatedLine:
    """The unit price has the fewest decimals that lead to the net; where none do, the whole is one unit."""
    sign = net or Decimal(1)
    quantity = abs(item.quantity).copy_sign(sign)
    for decimals in range(minor_units(currency), UNIT_PRICE_DECIMALS + 1):
        price = (net / quantity).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
        if quantize(quantity * price, currency) == net:
            return CalculatedLine(item, quantity, item.unit, price, net)
    return CalculatedLine(item, Decimal(1).copy_sign(sign), ONE, abs(net), net)


def _sum(amounts: Iterable[Decimal], currency: str) -> Decimal:
    return _rounded(sum(amounts, NOTHING), currency)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return quantize(amount, currency) + NOTHING  # never -0.00
