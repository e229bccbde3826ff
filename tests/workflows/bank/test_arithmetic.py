from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from workflows.bank.arithmetic import Arithmetic
from workflows.bank.readers.statement import AccountIdentifier, Line, Statement


def verdict(*lines: Line, **figures: int | Decimal) -> bool | None:
    arithmetic = Arithmetic()
    for line in lines:
        (arithmetic.add_pending if line.pending else arithmetic.add)(line)
    return arithmetic.check(Statement(lines=iter(lines), account=AccountIdentifier(), **figures))[0]


def line(amount: int, *, pending: bool = False) -> Line:
    return Line(row=1, booked_on=date(2026, 5, 4), amount=Decimal(amount), pending=pending)


@pytest.mark.parametrize(
    ("figures", "adds_up"),
    [
        ({"declared_lines": 3, "declared_credits": Decimal(12), "declared_debits": Decimal(4)}, True),  # all entries
        ({"declared_lines": 1, "declared_credits": Decimal(5), "declared_debits": Decimal(0)}, True),  # what is booked
        ({"declared_lines": 3, "declared_credits": Decimal(5)}, False),  # one figure of each
        ({"declared_lines": 2}, False),
        ({}, None),
    ],
)
def test_declared_figures_count_what_is_pending_or_leave_it_out(figures, adds_up):
    assert verdict(line(5), line(7, pending=True), line(-4, pending=True), **figures) is adds_up


def test_pending_lines_are_no_part_of_the_balances():
    balances = {"opening": Decimal(10), "closing": Decimal(15)}

    assert verdict(line(5), line(7, pending=True), **balances) is True
    assert verdict(line(5), line(7), **balances) is False
