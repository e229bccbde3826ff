"""Whether a calculation is right to the cent. The official rules of EN 16931 let a tax pass that is 0.99 off."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from core.money import minor_units, quantize
from workflows.tax.arithmetic import HUNDRED, NOTHING, TAXED, Calculation, TaxTotal


def check(calculation: Calculation) -> list[str]:
    """What is wrong; empty when nothing is."""
    return [*_lines(calculation), *_taxes(calculation), *_sums(calculation)]


def _lines(calculation: Calculation) -> Iterator[str]:
    currency = calculation.currency
    for number, line in enumerate(calculation.lines, start=1):
        if line.net != quantize(line.net, currency):
            yield f"line {number}: {line.net} cannot be paid in {currency}"
        if line.unit_price < 0:
            yield f"line {number}: the unit price {line.unit_price} is below zero"
        if quantize(line.quantity * line.unit_price, currency) != line.net:
            yield f"line {number}: {line.quantity} x {line.unit_price} is not {line.net}"
        if not calculation.includes_tax and line.net != line.item.amount:
            yield f"line {number}: the net price is {line.item.amount}, not {line.net}"


def _taxes(calculation: Calculation) -> Iterator[str]:
    keys = [found.tax.key for found in calculation.taxes]
    if len(keys) != len(set(keys)) or set(keys) != {line.item.tax.key for line in calculation.lines}:
        yield "each category and rate of the lines has one total"
    for found in calculation.taxes:
        name = f"{found.tax.category} {found.tax.rate} %"
        lines = [line for line in calculation.lines if line.item.tax.key == found.tax.key]
        if (base := sum((line.net for line in lines), NOTHING)) != found.base:
            yield f"{name}: the lines make {base}, not {found.base}"
        if found.tax.category != TAXED and found.amount:
            yield f"{name}: there is a tax of {found.amount}"
        gross = sum((line.item.amount for line in lines), NOTHING)
        if calculation.includes_tax and found.base + found.amount != gross:
            yield f"{name}: {found.base} + {found.amount} is not {gross}, which was promised"
        yield from _rates(found, name, calculation)
        if found.amount != quantize(found.amount, calculation.currency):
            yield f"{name}: {found.amount} cannot be paid in {calculation.currency}"


def _rates(found: TaxTotal, name: str, calculation: Calculation) -> Iterator[str]:
    """Half a minor unit off for each rounding; with the tax in the price, that of the net times 1 + rate."""
    half = Decimal(1).scaleb(-minor_units(calculation.currency)) / 2
    factor = 1 + found.tax.rate / HUNDRED if calculation.includes_tax else 1
    if found.tax.parts:
        if [label for label, _ in found.parts] != [label for label, _ in found.tax.parts]:
            yield f"{name}: the parts are {found.parts}"
        if (together := sum((amount for _, amount in found.parts), NOTHING)) != found.amount:
            yield f"{name}: the parts make {together}, not {found.amount}"
        half *= len(found.tax.parts)
        rates = dict(found.tax.parts)
        alike = {(rates.get(label), amount) for label, amount in found.parts}
        if len(alike) != len({rate for rate, _ in alike}):
            yield f"{name}: parts of one rate differ: {found.parts}"
    if abs(found.base * found.tax.rate / HUNDRED - found.amount) > half * factor:
        yield f"{name}: {found.amount} is not the tax of {found.base}"


def _sums(calculation: Calculation) -> Iterator[str]:
    nets, taxes = (line.net for line in calculation.lines), (found.amount for found in calculation.taxes)
    for name, parts, whole in (("net", nets, calculation.net), ("tax", taxes, calculation.tax)):
        if (together := sum(parts, NOTHING)) != whole:
            yield f"{name}: the parts make {together}, not {whole}"
    if calculation.net + calculation.tax != calculation.total:
        yield f"total: {calculation.net} + {calculation.tax} is not {calculation.total}"
