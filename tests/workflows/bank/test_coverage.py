from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from workflows.bank.coverage import Period, covered_until, spans, working_day_after

MONDAY = date(2026, 3, 2)


def period(first: int, last: int, opening: str | None = None, closing: str | None = None) -> Period:
    balances = [None if text is None else Decimal(text) for text in (opening, closing)]
    return Period(date(2026, 3, first), date(2026, 3, last), *balances)


def test_days_in_a_row_are_one_span_and_a_hole_ends_it():
    found = spans([period(9, 10), period(2, 3), period(4, 5), period(3, 4)])

    assert found == [(date(2026, 3, 2), date(2026, 3, 5)), (date(2026, 3, 9), date(2026, 3, 10))]


@pytest.mark.parametrize(("opening", "is_one"), [("150.00", True), ("150.01", False), (None, False)])
def test_equal_balances_join_what_a_weekend_parts(opening, is_one):
    friday, monday = period(6, 6, "100.00", "150.00"), period(9, 9, opening, "151.00")

    assert (len(spans([friday, monday])) == 1) == is_one


def test_balance_of_a_shorter_statement_within_a_longer_joins_nothing():
    assert len(spans([period(2, 6, "100.00", "150.00"), period(3, 4, "110.00", "120.00"), period(9, 9, "120.00")])) == 2


def test_day_before_the_first_is_not_covered():
    assert covered_until([period(3, 5)], MONDAY) is None
    assert covered_until([period(2, 5)], MONDAY) == date(2026, 3, 5)
    assert covered_until([], MONDAY) is None


def test_day_of_the_import_is_not_over():
    def reliable(last: int, imported: int, read_as: str = "CAMT") -> tuple[int, int] | None:
        found = Period.reliable(
            MONDAY,
            date(2026, 3, last),
            opening=None,
            closing=None,
            imported_on=date(2026, 3, imported),
            read_as=read_as,
        )
        return (found.first.day, found.last.day) if found else None

    assert reliable(4, 5) == (2, 4)
    assert reliable(4, 4) == (2, 3)
    assert reliable(2, 2) is None
    assert reliable(4, 5, "mt940") == (3, 4)  # its opening balance has the day before
    assert reliable(2, 3, "mt940") == (2, 2)


@pytest.mark.parametrize(
    ("day", "days", "country", "due"),
    [
        (2, 0, "", 2),
        (2, 3, "", 5),
        (6, 1, "", 9),  # from Friday to Monday
        (6, 3, "", 11),
        (7, 0, "", 9),  # what is sent on a Saturday may be booked on Monday
        (5, 1, "EG", 8),  # Friday and Saturday are off
        (6, 0, "EG", 8),
    ],
)
def test_bank_takes_working_days(day, days, country, due):
    assert working_day_after(date(2026, 3, day), days, country=country) == date(2026, 3, due)
