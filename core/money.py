"""Money: Decimal in ISO 4217 minor units, and one rounding rule."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from iso4217 import Currency

# Every amount in the database is below this: an upper bound is also what keeps NaN out of `numeric`.
CEILING = Decimal("1000000000000")


def is_currency(code: str) -> bool:
    """Whether that is a currency one can owe: known to ISO 4217, with minor units (so not gold, not a test code)."""
    return _currency(code) is not None


def minor_units(currency: str) -> int:
    """Digits after the point: 2 for USD, 0 for JPY, 3 for KWD. ValueError for an unknown currency."""
    known = _currency(currency)
    if known is None:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency with minor units")
    assert known.exponent is not None
    return known.exponent


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's minor units, halves away from zero."""
    return amount.quantize(_smallest(currency), rounding=ROUND_HALF_UP)


def money_text(amount: Decimal, currency: str) -> str:
    """`"89.00"`: how money is written in JSON, mails and documents."""
    return f"{quantize(amount, currency):f}"


@lru_cache(maxsize=512)  # a list of money asks the same again and again, and ISO 4217 has fewer
def _smallest(currency: str) -> Decimal:
    """The least amount of a currency: 0.01 of USD. ValueError for an unknown currency."""
    return Decimal(1).scaleb(-minor_units(currency))


def _currency(code: str) -> Currency | None:
    try:
        known = Currency(code)
    except ValueError:
        return None
    return known if known.exponent is not None else None
