"""Whether a statement adds up. It finds the errors of every reader, and of every file that was cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from workflows.bank.readers.statement import Line, Statement

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Break:
    """The first row that does not follow from the one before; None: the totals as a whole."""

    row: int | None
    detail: str


@dataclass
class Sums:
    credits: Decimal = NOTHING
    debits: Decimal = NOTHING  # positive
    count: int = 0

    def count_in(self, amount: Decimal) -> None:
        self.count += 1
        if amount > 0:
            self.credits += amount
        else:
            self.debits -= amount


@dataclass
class Arithmetic(Sums):
    """Sums of the booked lines of one statement, as they pass."""

    _with_pending: Sums = field(default_factory=Sums)
    last_day: date | None = None  # the newest that is booked
    _last: Line | None = None
    _balances: int = 0
    # Rows may be listed from the oldest or from the newest: one of the two orders has to hold from end to end.
    _oldest_first: Break | None = None
    _newest_first: Break | None = None

    def add(self, line: Line) -> None:
        self.count_in(line.amount)
        self._with_pending.count_in(line.amount)
        self.last_day = max(self.last_day or line.booked_on, line.booked_on)
        if line.balance_after is not None:
            self._follow(line, line.balance_after)
        self._last = line

    def add_pending(self, line: Line) -> None:
        self._with_pending.count_in(line.amount)

    def check(self, statement: Statement) -> tuple[bool | None, Break | None]:
        """Whether it adds up, None where the file gives nothing to compare, and where it does not."""
        checks = [*self._totals(statement), *self._declared(statement)]
        breaks = [found for found in checks if found is not None]
        running = self._running()
        if running is not None:
            breaks.insert(0, running)
        if breaks:
            return False, breaks[0]
        return (True if checks or self._balances > 1 else None), None

    def _follow(self, line: Line, balance: Decimal) -> None:
        self._balances += 1
        before = self._last
        if before is None or before.balance_after is None:
            return
        if self._oldest_first is None and before.balance_after + line.amount != balance:
            self._oldest_first = _does_not_follow(line.row, before.balance_after + line.amount, balance)
        if self._newest_first is None and balance + before.amount != before.balance_after:
            self._newest_first = _does_not_follow(before.row, balance + before.amount, before.balance_after)

    def _running(self) -> Break | None:
        if self._oldest_first is None or self._newest_first is None:
            return None
        # The order that held for longer is the one that was meant.
        return max(self._oldest_first, self._newest_first, key=lambda each: each.row or 0)

    def _totals(self, statement: Statement) -> list[Break | None]:
        if statement.opening is None or statement.closing is None:
            return []
        closing = statement.opening + self.credits - self.debits
        if closing == statement.closing:
            return [None]
        return [Break(None, f"Opening balance and lines make {closing}; the closing balance is {statement.closing}.")]

    def _declared(self, statement: Statement) -> list[Break | None]:
        """Interim reports (MT942, camt.052) declare what is pending too: all their figures then agree with that."""
        booked, everything = _compare(statement, self), _compare(statement, self._with_pending)
        return booked if any(everything) else everything


def _compare(statement: Statement, sums: Sums) -> list[Break | None]:
    pairs = (
        ("lines", statement.declared_lines, sums.count),
        ("credits", statement.declared_credits, sums.credits),
        ("debits", statement.declared_debits, sums.debits),
    )
    return [
        None if declared == found else Break(None, f"The file declares {declared} of {name}; it has {found}.")
        for name, declared, found in pairs
        if declared is not None
    ]


def _does_not_follow(row: int, expected: Decimal, found: Decimal) -> Break:
    return Break(row, f"The balance after this row should be {expected}, and is {found}.")
