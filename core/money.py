"""Money: Decimal in ISO 4217 minor units, and one rounding rule."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from django.utils.translation import gettext as _
from iso4217 import Currency

from core.problems import ValidationError

# Every amount in the database is below this: an upper bound is also what keeps NaN out of `numeric`.
CEILING = Decimal("1000000000000")

# ISO 4217 has taken these back, and rows in them stay: minor units as in its list of historic codes. Nothing new is
# written in one of them.
WITHDRAWN = {
    "ANG": 2, "BGN": 2, "BYR": 0, "CUC": 2, "EEK": 2, "HRK": 2, "LTL": 2, "LVL": 2, "MRO": 2, "SLL": 2, "STD": 2,
    "VEF": 2, "ZMK": 2, "ZWL": 2,
}  # fmt: skip


def is_currency(code: str) -> bool:
    """Whether that is a currency of today: known to ISO 4217, with minor units (so not gold, not a test code)."""
    return _currency(code) is not None


def minor_units(currency: str) -> int:
    """Digits after the point: 2 for USD, 0 for JPY, 3 for KWD, also of withdrawn currencies. ValueError for others."""
    known = _currency(currency)
    if known is not None:
        assert known.exponent is not None
        return known.exponent
    if currency in WITHDRAWN:
        return WITHDRAWN[currency]
    raise ValueError(f"{currency!r} is not an ISO 4217 currency with minor units")


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's minor units, halves away from zero."""
    return amount.quantize(_smallest(currency), rounding=ROUND_HALF_UP)


def check_amount(amount: Decimal, currency: str, *, field: str) -> None:
    """Raise ValidationError naming `field` for what nobody can pay: 89.001 USD, nothing, less, or a trillion."""
    amount = Decimal(amount)  # a row in memory may still hold what was typed
    if not amount.is_finite() or amount <= 0:
        raise ValidationError({field: [_("The amount must be above zero.")]})
    if amount >= CEILING or amount != quantize(amount, currency):
        raise ValidationError({field: [_("%(currency)s has fewer digits after the point.") % {"currency": currency}]})


def money_text(amount: Decimal, currency: str) -> str:
    """`"89.00"`: how money is written in JSON, mails and documents.

    An amount in a currency that nobody knows is written with all its digits: what is stored stays readable.
    """
    try:
        return f"{quantize(amount, currency):f}"
    except ValueError:
        return f"{amount:.{max(2, _places(amount))}f}"


def _places(amount: Decimal) -> int:
    """Digits after the point, without zeros at the end."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


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
