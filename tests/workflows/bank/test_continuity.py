from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.models import BankAccount, Statement, StatementFile
from engine.ids import uuid7
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN, Row, camt
from workflows.bank.continuity import breaks_around, breaks_of, find_breaks


def statement(first: int, last: int, opening: str | None, closing: str | None, *, read_as: str = "CAMT") -> Statement:
    return Statement(
        pk=uuid7(),
        file=StatementFile(format=read_as),
        currency="EUR",
        period_start=date(2026, 3, first),
        period_end=date(2026, 3, last),
        opening=opening and Decimal(opening),
        closing=closing and Decimal(closing),
    )


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ((2, 4, "1.00", "2.00"), (5, 6, "2.00", "3.00"), None),
        ((2, 4, "1.00", "2.00"), (9, 9, "2.00", "3.00"), None),  # days without a line
        ((2, 4, "1.00", "2.00"), (5, 6, "2.50", "3.00"), "gap"),
        ((2, 4, "1.00", "2.00"), (9, 9, "2.50", "3.00"), "gap"),
        ((2, 4, None, None), (5, 6, None, None), None),
        ((2, 4, None, None), (6, 6, None, None), "gap"),
        ((2, 4, "1.00", "2.00"), (4, 6, "1.50", "3.00"), "overlap"),
        ((2, 9, "1.00", "2.00"), (4, 5, "1.10", "1.20"), "overlap"),
        ((2, 4, None, None), (4, 6, None, None), "overlap"),
        ((4, 4, "1.00", "2.00"), (4, 4, "2.00", "3.00"), None),  # two of a day, one after the other
        ((2, 4, "1.00", "2.00"), (2, 4, "1.00", "2.00"), None),  # in another format
    ],
)
def test_what_does_not_follow_is_a_gap_or_an_overlap(first, second, kind):
    before, after = statement(*first), statement(*second)

    found = find_breaks([after, before])

    assert [each.kind for each in found] == ([kind] if kind else [])
    if kind:
        assert (found[0].before, found[0].after) == (before, after)


def test_gap_says_both_days_and_amounts():
    [gap] = find_breaks([statement(2, 4, "1.00", "2.00"), statement(9, 9, "2.50", "3.00")])

    assert (gap.closes_on, gap.closing_balance) == (date(2026, 3, 4), Decimal("2.00"))
    assert (gap.opens_on, gap.opening_balance) == (date(2026, 3, 9), Decimal("2.50"))
    assert gap.missing == Decimal("0.50")


def test_opening_balance_of_mt940_has_the_day_before():
    before = statement(1, 4, "1.00", "2.00", read_as="mt940")
    [gap] = find_breaks([before, statement(4, 5, "2.50", "3.00", read_as="mt940")])

    assert (gap.kind, gap.opens_on) == ("gap", date(2026, 3, 5))


def test_statement_after_a_longer_one_is_compared_with_the_longer():
    month = statement(1, 10, "1.00", "9.00")
    found = find_breaks([month, statement(3, 3, "4.00", "5.00"), statement(11, 11, "9.00", "10.00")])

    assert [each.kind for each in found] == ["overlap"]


def test_statement_without_days_is_left_out():
    silent = statement(2, 2, "7.00", "8.00")
    silent.period_start = None
    turned = statement(9, 3, "7.00", "8.00")

    assert find_breaks([statement(1, 2, "1.00", "2.00"), silent, turned, statement(3, 3, "2.00", "3.00")]) == []


@pytest.mark.django_db
def test_breaks_of_accounts_are_found_in_one_query(imported, bank_account, django_assert_num_queries):
    other = BankAccount.objects.create(name="Second", iban=OTHER_IBAN, currency="EUR")
    imported(camt(Row("5.00", "one"), days=("2026-03-02", "2026-03-04")))
    file = imported(camt(Row("5.00", "two", day="2026-03-06"), opening="150.00", days=("2026-03-06", "2026-03-06")))
    late = imported(camt(Row("5.00", "three", day="2026-03-09"), opening="155.00", days=("2026-03-09", "2026-03-09")))

    with django_assert_num_queries(1):
        found = breaks_of([bank_account, other])

    assert [(each.kind, each.closes_on, each.opens_on) for each in found[bank_account.pk]] == [
        ("gap", date(2026, 3, 4), date(2026, 3, 6))
    ]
    assert found[other.pk] == []
    [[around]] = breaks_around(file).values()
    assert around.missing == Decimal("45.00")
    assert breaks_around(late) == {}


@pytest.mark.django_db
def test_gap_goes_once_its_statement_is_there(imported, bank_account):
    imported(camt(Row("5.00", "one"), days=("2026-03-02", "2026-03-04")))
    imported(camt(Row("5.00", "three", day="2026-03-06"), opening="150.00", days=("2026-03-06", "2026-03-06")))
    assert breaks_of([bank_account])[bank_account.pk] != []

    imported(
        camt(Row("45.00", "two", day="2026-03-05"), opening="105.00", iban=IBAN, days=("2026-03-05", "2026-03-05"))
    )

    assert breaks_of([BankAccount.objects.get()])[bank_account.pk] == []
