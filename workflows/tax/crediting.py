"""A part of an issued invoice, split into net and tax, so that all its parts together are the invoice to the cent.

Amounts that are asked for have tax in them. Of each category as much tax is credited as the whole credited so far has
of it, rounded once; what is credited in the end is all of the tax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.models import CreditNote, CreditNoteLine, Invoice, InvoiceLine
from core.models.invoice_line import lines_of
from core.money import money_text, quantize
from core.problems import ValidationError
from workflows.tax.arithmetic import Key, shared

NOTHING = Decimal(0)


@dataclass(frozen=True)
class LineLeft:
    """A line of an invoice, and what credit notes have not taken off it."""

    line: InvoiceLine
    whole: Decimal  # with tax
    gross: Decimal  # left, with tax
    net: Decimal  # left


@dataclass(frozen=True)
class Credited:
    net: Decimal
    tax: Decimal
    total: Decimal
    lines: list[CreditNoteLine]  # without their credit note
    taxes: list[dict[str, Any]]  # as in `Invoice.tax_details`


def lines_left(invoice: Invoice) -> list[LineLeft]:
    """By position. The caller has locked the invoice, or only shows it."""
    taken: dict[int, tuple[Decimal, Decimal]] = {}
    for part in CreditNoteLine.objects.filter(credit_note__in=_standing(invoice)):
        gross, net = taken.get(part.position, (NOTHING, NOTHING))
        taken[part.position] = gross + part.amount, net + part.net
    found = []
    for line, whole in _with_tax(invoice):
        gross, net = taken.get(line.position, (NOTHING, NOTHING))
        found.append(LineLeft(line, whole, whole - gross, line.net - net))
    return found


def spread(invoice: Invoice, left: Sequence[LineLeft], amount: Decimal) -> dict[int, Decimal]:
    """Over all lines, in proportion to what is left of them. Raises ValidationError for more than is left."""
    rest = sum((each.gross for each in left), NOTHING)
    _check_rest(amount, rest, invoice.currency)
    shares = shared(amount, [each.gross * amount / rest for each in left], invoice.currency)
    return {each.line.position: share for each, share in zip(left, shares, strict=True) if share}


def credited(invoice: Invoice, lines: Sequence[LineLeft], amounts: Mapping[int, Decimal]) -> Credited:
    """lines: what is left; amounts: with tax, by the position of the line.

    Raises ValidationError for what no line, or no rest, is.
    """
    left = {each.line.position: each for each in lines}
    _check_lines(amounts, left, invoice.currency)
    _check_rest(sum(amounts.values(), NOTHING), sum((each.gross for each in left.values()), NOTHING), invoice.currency)
    parts: list[CreditNoteLine] = []
    taxes: list[dict[str, Any]] = []
    for tax in _taxes(invoice):
        mine = {place: each for place, each in left.items() if _key(each.line) == _key_of(tax)}
        wanted = {place: amounts[place] for place in mine if place in amounts}
        if not wanted:
            continue
        row = _tax_part(invoice, tax, list(mine.values()), sum(wanted.values(), NOTHING))
        taxes.append(row)
        nets = _nets(mine, wanted, Decimal(row["base"]), invoice.currency)
        parts += [_part(mine[place], wanted[place], net) for place, net in nets.items()]
    net, tax_amount = (sum((Decimal(row[name]) for row in taxes), NOTHING) for name in ("base", "amount"))
    parts.sort(key=lambda part: part.position)
    return Credited(net, tax_amount, net + tax_amount, parts, taxes)


def _standing(invoice: Invoice) -> Any:
    return CreditNote.objects.standing().filter(invoice=invoice)


def _with_tax(invoice: Invoice) -> list[tuple[InvoiceLine, Decimal]]:
    """Where prices are without tax, each line has its share of its category's tax."""
    lines = lines_of(invoice)
    if invoice.tax_details.get("includes_tax", True):
        return [(line, line.amount) for line in lines]
    tax_of: dict[int, Decimal] = {}
    for tax in _taxes(invoice):
        mine = [line for line in lines if _key(line) == _key_of(tax)]
        base, amount = Decimal(tax["base"]), Decimal(tax["amount"])
        shares = [line.net * amount / base if base else NOTHING for line in mine]
        tax_of |= dict(zip((line.position for line in mine), shared(amount, shares, invoice.currency), strict=True))
    return [(line, line.net + tax_of[line.position]) for line in lines]


def _taxes(invoice: Invoice) -> list[dict[str, Any]]:
    """Of the oldest invoices, which say nothing of tax: that they have none."""
    nothing = {"category": "O", "rate": "0", "label": "", "amount": "0", "base": str(invoice.total)}
    return invoice.tax_details.get("taxes") or [nothing]


def _tax_part(invoice: Invoice, tax: Mapping[str, Any], lines: list[LineLeft], amount: Decimal) -> dict[str, Any]:
    """Each part of a tax, as CGST and SGST, is a tax of its own."""
    currency = invoice.currency
    whole = sum((each.whole for each in lines), NOTHING)
    so_far = whole - sum((each.gross for each in lines), NOTHING) + amount
    before = _credited_before(invoice, _key_of(tax))
    parts = [
        (label, quantize(Decimal(part) * so_far / (whole or 1), currency) - before.get(label, NOTHING))
        for label, part in tax.get("parts") or [("", tax["amount"])]
    ]
    taken = sum((part for _, part in parts), NOTHING)
    if not 0 <= taken <= amount:
        raise ValidationError({"amount": ["So little cannot be split into net and tax: credit more at once."]})
    return {
        **{name: tax[name] for name in ("category", "rate", "label", "reason", "reason_code") if name in tax},
        "base": money_text(amount - taken, currency),
        "amount": money_text(taken, currency),
        **({"parts": [[label, money_text(part, currency)] for label, part in parts]} if tax.get("parts") else {}),
    }


def _credited_before(invoice: Invoice, key: Key) -> dict[str, Decimal]:
    """By the label of the part; "" where the tax has none."""
    before: dict[str, Decimal] = {}
    for details in _standing(invoice).values_list("tax_details", flat=True):
        for tax in details["taxes"]:
            if _key_of(tax) == key:
                for label, amount in tax.get("parts") or [("", tax["amount"])]:
                    before[label] = before.get(label, NOTHING) + Decimal(amount)
    return before


def _nets(
    left: Mapping[int, LineLeft], wanted: Mapping[int, Decimal], net: Decimal, currency: str
) -> dict[int, Decimal]:
    """The net of each line: all that is left of those that are credited whole, and of others their share."""
    whole = {place: left[place].net for place, amount in wanted.items() if amount == left[place].gross}
    partly = [place for place in wanted if place not in whole]
    shares = [left[place].net * wanted[place] / left[place].gross for place in partly]
    rest = net - sum(whole.values(), NOTHING)
    nets = whole | dict(zip(partly, shared(rest, shares, currency) if partly else [], strict=True))
    if sum(nets.values(), NOTHING) != net or any(
        not min(left[place].net, NOTHING) <= part <= max(left[place].net, NOTHING) for place, part in nets.items()
    ):
        raise ValidationError({"amount": ["So much cannot be split over these lines: credit them one by one."]})
    return nets


def _part(left: LineLeft, amount: Decimal, net: Decimal) -> CreditNoteLine:
    line = left.line
    return CreditNoteLine(
        invoice_line=None if line._state.adding else line,
        position=line.position,
        description=line.description,
        net=net,
        amount=amount,
        tax_category=line.tax_category,
        tax_rate=line.tax_rate,
    )


def _check_lines(amounts: Mapping[int, Decimal], left: Mapping[int, LineLeft], currency: str) -> None:
    for place, amount in amounts.items():
        if place not in left:
            raise ValidationError({"lines": [f"The invoice has no line {place}."]})
        there = left[place].gross
        if not min(there, NOTHING) <= amount <= max(there, NOTHING):
            raise ValidationError(
                {"lines": [f"Of line {place}, {money_text(there, currency)} {currency} is left to be credited."]}
            )


def _check_rest(amount: Decimal, rest: Decimal, currency: str) -> None:
    if not 0 < amount <= rest:
        raise ValidationError({"amount": [f"{money_text(rest, currency)} {currency} is left to be credited."]})


def _key(line: InvoiceLine) -> Key:
    return str(line.tax_category), Decimal(line.tax_rate).normalize()


def _key_of(tax: Mapping[str, Any]) -> Key:
    return str(tax["category"]), Decimal(tax["rate"]).normalize()
