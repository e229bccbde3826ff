"""Which days of a bank account the imported statements cover."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

DAY = timedelta(days=1)
# CLDR 47, weekendData: Friday and Saturday are off. Everywhere else Saturday and Sunday.
FRIDAY_OFF = frozenset({
    "AF", "BD", "BH", "DZ", "EG", "IL", "IQ", "IR", "JO", "KW", "LY", "MV", "OM", "PS", "QA", "SA", "SD", "SY", "YE",
})  # fmt: skip

DATES_OPENING = frozenset({"mt940", "coda"})  # the opening balance has the day before the first of the statement


@dataclass(frozen=True)
class Period:
    """Of one statement: its days, and its balances where it has them."""

    first: date
    last: date
    opening: Decimal | None = None
    closing: Decimal | None = None

    @classmethod
    def reliable(
        cls,
        first: date,
        last: date,
        *,
        opening: Decimal | None,
        closing: Decimal | None,
        imported_on: date,
        read_as: str,
    ) -> Period | None:
        """Only days that were over when the file came; None if there is none."""
        begins = first_day(first, last, read_as=read_as)
        ends = min(last, imported_on - DAY)
        return cls(begins, ends, opening, closing) if begins <= ends else None


def first_day(first: date, last: date, *, read_as: str) -> date:
    """Of a statement's lines. read_as: the format of its file."""
    return first + DAY if read_as in DATES_OPENING and first < last else first


def spans(periods: Iterable[Period]) -> list[tuple[date, date]]:
    """Days in a row without a hole. Two statements also join where the balances say that nothing lies between."""
    found: list[tuple[date, date]] = []
    closing: Decimal | None = None
    for period in sorted(periods, key=lambda each: (each.first, each.last)):
        joins = closing is not None and closing == period.opening
        if found and (joins or period.first <= found[-1][1] + DAY):
            first, last = found[-1]
            if period.last >= last:
                closing = period.closing
            found[-1] = (first, max(last, period.last))
        else:
            found.append((period.first, period.last))
            closing = period.closing
    return found


def covered_until(periods: Iterable[Period], first: date) -> date | None:
    """The last day up to which nothing is missing since `first`; None if `first` itself is not covered."""
    return next((end for begin, end in spans(periods) if begin <= first <= end), None)


def working_day_after(day: date, days: int, *, country: str = "") -> date:
    """So many working days later; no day of a weekend. Public holidays are not known."""
    off = (4, 5) if country in FRIDAY_OFF else (5, 6)
    while days > 0 or day.weekday() in off:
        day += DAY
        days -= day.weekday() not in off
    return day
