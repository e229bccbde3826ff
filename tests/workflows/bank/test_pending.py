from __future__ import annotations

from decimal import Decimal

import pytest

from core.models import PendingLine
from tests.workflows.bank.statement_files import IBAN, OTHER_IBAN, Row, camt

pytestmark = pytest.mark.django_db


def report(*rows: Row, opening="100.00"):
    """What a bank announces."""
    return camt(*(Row(row.amount, row.text, row.day, pending=True) for row in rows), opening=opening)


def with_id(content: bytes, bank_id: str) -> bytes:
    return content.replace(b"<NtryDtls>", f"<AcctSvcrRef>{bank_id}</AcctSvcrRef><NtryDtls>".encode())


def waiting():
    return sorted(PendingLine.objects.values_list("text", flat=True))


def test_announced_line_is_shown_until_a_later_file_books_it(imported, lines):
    imported(report(Row("5.00", "soon"), Row("6.00", "later")))
    assert waiting() == ["later", "soon"]

    imported(camt(Row("5.00", "SOON", day="2026-03-06"), Row("1.00", "else")))

    assert waiting() == ["later"]
    assert [line.amount for line in lines()] == [Decimal("1.00"), Decimal("5.00")]


@pytest.mark.parametrize(
    ("row", "is_booked"),
    [
        (Row("5.00", "soon", day="2026-03-11"), True),
        (Row("5.00", "soon", day="2026-02-25"), True),
        (Row("5.00", "soon", day="2026-02-24"), False),
        (Row("5.01", "soon", day="2026-03-05"), False),
        (Row("5.00", "sooner", day="2026-03-05"), False),
    ],
)
def test_line_is_the_announced_one_by_amount_words_and_a_week(imported, row, is_booked):
    imported(report(Row("5.00", "soon", day="2026-03-04")))

    imported(camt(row))

    assert waiting() == ([] if is_booked else ["soon"])


def test_line_is_the_announced_one_by_the_bank_s_id(imported):
    imported(with_id(report(Row("5.00", "card payment")), "ID-77"))

    imported(with_id(camt(Row("4.80", "CARD 1234", day="2026-03-20")), "ID-77"))

    assert waiting() == []


def test_id_that_many_lines_have_is_none(imported):
    imported(with_id(report(Row("5.00", "card payment")), "NONREF"))

    imported(with_id(camt(Row("4.80", "one"), Row("4.90", "two")), "NONREF"))

    assert waiting() == ["card payment"]


def test_of_two_equal_ones_a_line_books_one(imported):
    imported(report(Row("5.00", "soon"), Row("5.00", "soon")))

    imported(camt(Row("5.00", "soon")))
    assert waiting() == ["soon"]

    imported(camt(Row("5.00", "soon"), Row("5.00", "soon"), opening="50.00"))
    assert waiting() == []


def test_line_that_was_booked_before_is_another(imported):
    imported(camt(Row("5.00", "soon", day="2026-03-03")))

    imported(report(Row("5.00", "soon"), opening="105.00"))

    assert waiting() == ["soon"]


def test_newer_report_replaces_what_was_announced(imported):
    imported(report(Row("5.00", "gone"), Row("6.00", "still")))

    imported(report(Row("6.00", "still"), Row("7.00", "new"), opening="99.00"))

    assert waiting() == ["new", "still"]


def test_what_nobody_booked_within_a_week_goes(imported):
    imported(report(Row("5.00", "never")))

    imported(camt(Row("1.00", "else", day="2026-03-11")))
    assert waiting() == ["never"]

    imported(camt(Row("1.00", "else", day="2026-03-12"), opening="101.00"))
    assert waiting() == []


def test_file_of_another_account_books_nothing(imported, bank_account):
    type(bank_account).objects.create(name="Second", iban=OTHER_IBAN, currency="EUR")
    imported(report(Row("5.00", "soon")))

    imported(camt(Row("5.00", "soon"), iban=OTHER_IBAN))

    assert waiting() == ["soon"]
    imported(camt(Row("5.00", "soon"), iban=IBAN))
    assert waiting() == []
