from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from django.utils.translation import gettext as _
from iso4217 import Currency

from core.problems import ValidationError

# Every amount is below this: an upper bound also keeps NaN out of `numeric`.
CEILING = Decimal("1000000000000")

# ISO 4217 has taken these back, and rows in them stay.
WITHDRAWN = {
    "ANG": 2, "BGN": 2, "BYR": 0, "CUC": 2, "EEK": 2, "HRK": 2, "LTL": 2, "LVL": 2, "MRO": 2, "SLL": 2, "STD": 2,
    "VEF": 2, "ZMK": 2, "ZWL": 2,
}  # fmt: skip


def is_currency(code: str) -> bool:
    """A currency of today with minor units: not gold, not a test code."""
    return _currency(code) is not None


def minor_units(currency: str) -> int:
    """2 for USD, 0 for JPY, 3 for KWD, also of withdrawn currencies. Raises ValueError for others."""
    known = _currency(currency)
    if known is not None:
        assert known.exponent is not None
        return known.exponent
    if currency in WITHDRAWN:
        return WITHDRAWN[currency]
    raise ValueError(f"{currency!r} is not an ISO 4217 currency with minor units")


def quantize(amount: Decimal, currency: str) -> Decimal:
    """Halves go away from zero."""
    return amount.quantize(_smallest(currency), rounding=ROUND_HALF_UP)


def check_amount(amount: Decimal, currency: str, *, field: str) -> None:
    """Raises ValidationError for what nobody can pay: 89.001 USD, nothing, less, or a trillion."""
    amount = Decimal(amount)
    if not amount.is_finite() or amount <= 0:
        raise ValidationError({field: [_("The amount must be above zero.")]})
    if amount >= CEILING or amount != quantize(amount, currency):
        raise ValidationError({field: [_("%(currency)s has fewer digits after the point.") % {"currency": currency}]})


def money_text(amount: Decimal, currency: str) -> str:
    """`"89.00"`; in an unknown currency with all digits, so that what is stored stays readable."""
    try:
        return f"{quantize(amount, currency):f}"
    except ValueError:
        return f"{amount:.{max(2, _places(amount))}f}"


def _places(amount: Decimal) -> int:
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


@lru_cache(maxsize=512)
def _smallest(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_units(currency))


def _currency(code: str) -> Currency | None:
    try:
        known = Currency(code)
    except ValueError:
        return None
    return known if known.exponent is not None else None
