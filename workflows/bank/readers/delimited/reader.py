"""Delimited text, by a profile that says how one bank writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from workflows.bank.readers.delimited.cells import check_currency
from workflows.bank.readers.delimited.dates import swapped
from workflows.bank.readers.delimited.layout import account_of
from workflows.bank.readers.delimited.lines import ZERO, Facts, Key, LineReader
from workflows.bank.readers.delimited.made_profiles import find_profile
from workflows.bank.readers.delimited.numbers import read_number
from workflows.bank.readers.delimited.profile import Profile
from workflows.bank.readers.delimited.rows import HEAD_LENGTH, find_encoding, records, seekable
from workflows.bank.readers.delimited.sniff import has_other_marks, has_table
from workflows.bank.readers.statement import Line, Statement, UnreadableStatementError

NAME = "delimited"
VERSION = "1"

MAX_STATEMENTS = 40  # accounts times currencies in one file: each is a pass over it


def sniff(head: bytes) -> bool:
    """Text with a table of days and amounts, or with the headings of a known bank, and no other format's marks."""
    return not has_other_marks(head) and (has_table(head) or find_profile(head) is not None)


def read(stream: BinaryIO, profile: Profile | None = None) -> Iterator[Statement]:
    """One statement per own account and currency. Without a profile, one of the made ones has to fit.

    All rows are checked before the first line is given. Raises UnreadableStatementError.
    """
    with seekable(stream) as source:
        if profile is None:
            source.seek(0)
            profile = find_profile(source.read(HEAD_LENGTH))
        if profile is None:
            raise UnreadableStatementError(
                "No known bank writes this table: its columns have to be named first.", row=1
            )
        survey = survey_of(source, profile)
        for key, group in survey.groups.items():
            yield _statement(source, profile, survey, key, group)


@dataclass(slots=True)
class _Days:
    """Whether days only rise, or only fall."""

    first: date | None = None
    last: date | None = None
    rising: bool = True
    falling: bool = True
    possible: bool = True

    def add(self, day: date) -> None:
        self.first = self.first or day
        if self.last is not None:
            self.rising &= day >= self.last
            self.falling &= day <= self.last
        self.last = day

    @property
    def in_order(self) -> bool:
        return self.rising or self.falling


@dataclass(slots=True)
class _Group:
    """What one pass found out about one statement."""

    days: _Days = field(default_factory=_Days)
    lines: int = 0
    start: date | None = None
    end: date | None = None
    first_balance: Decimal | None = None
    first_amount: Decimal = ZERO
    last_balance: Decimal | None = None
    last_amount: Decimal = ZERO
    until_first: Decimal = ZERO  # amounts up to the first balance, its own row included
    since_last: Decimal = ZERO
    links: int = 0
    links_upwards: int = 0  # rows whose balance follows from the row above: oldest first
    links_downwards: int = 0

    def add(self, line: Line) -> None:
        if line.pending:
            return
        self.lines += 1
        self.days.add(line.booked_on)
        self.start = min(self.start or line.booked_on, line.booked_on)
        self.end = max(self.end or line.booked_on, line.booked_on)
        if self.first_balance is None:
            self.until_first += line.amount
        else:
            self.since_last += line.amount
        if line.balance_after is None:
            return
        if self.last_balance is None:
            self.first_balance, self.first_amount = line.balance_after, line.amount
        else:
            self.links += 1
            self.links_upwards += self.last_balance + self.since_last == line.balance_after
            between = self.since_last - line.amount + self.last_amount
            self.links_downwards += line.balance_after + between == self.last_balance
        self.last_balance, self.last_amount, self.since_last = line.balance_after, line.amount, ZERO

    def order(self) -> str:
        if self.days.rising != self.days.falling:
            return "oldest_first" if self.days.rising else "newest_first"
        if self.links_upwards != self.links_downwards:
            return "oldest_first" if self.links_upwards > self.links_downwards else "newest_first"
        return ""

    def balances(self) -> tuple[Decimal, Decimal] | None:
        """Opening and closing as they follow from the running balance; None where it follows from nothing."""
        if self.first_balance is None or self.last_balance is None:
            return None
        if self.links and not max(self.links_upwards, self.links_downwards):
            return None
        order = self.order() or ("oldest_first" if self.lines == 1 else "")
        if order == "oldest_first":
            return self.first_balance - self.until_first, self.last_balance + self.since_last
        if order == "newest_first":
            closing = self.first_balance + self.until_first - self.first_amount
            return self.last_balance - self.last_amount - self.since_last, closing
        return None


@dataclass(slots=True)
class Survey:
    dates: tuple[str, ...]
    facts: Facts
    groups: dict[Key, _Group]
    days: _Days
    other_days: _Days


def _rows(source: BinaryIO, profile: Profile) -> Iterator[tuple[int, list[str]]]:
    encoding = find_encoding(source, profile.encoding)
    return records(source, encoding=encoding, delimiter=profile.delimiter, quote=profile.quote)


def survey_of(source: BinaryIO, profile: Profile) -> Survey:
    """All rows read once. Where two forms of the profile are rivals (dd/mm and mm/dd), all rows have to decide."""
    readings: list[Survey] = []
    errors: list[UnreadableStatementError] = []
    for dates in _without_rivals(profile.dates):
        try:
            readings.append(_survey_with(source, profile, dates))
        except UnreadableStatementError as error:
            errors.append(error)
    if not readings:
        raise max(errors, key=lambda error: error.row or 0)
    if len(readings) > 1 and any(one.days != readings[0].days for one in readings):
        readings = [one for one in readings if one.days.in_order] or readings
    if len(readings) > 1 and readings[0].days != readings[1].days:
        raise UnreadableStatementError(
            f"Day or month first? Every row can be read as {' and as '.join(one.dates[0] for one in readings)}.", row=1
        )
    found = readings[0]
    if not found.days.in_order and found.other_days.possible and found.other_days.in_order:
        raise UnreadableStatementError(
            f"The rows are in order only if day and month are not as in {found.dates[0]}.", row=1
        )
    return found


def _without_rivals(dates: tuple[str, ...]) -> list[tuple[str, ...]]:
    rivals = [pattern for pattern in dates if swapped(pattern) in dates]
    others = tuple(pattern for pattern in dates if pattern not in rivals)
    return [(rival, *others) for rival in rivals] or [dates]


def _survey_with(source: BinaryIO, profile: Profile, dates: tuple[str, ...]) -> Survey:
    reader = LineReader(profile, dates, figures_only=True)
    groups: dict[Key, _Group] = {}
    days, other_days = _Days(), _Days(possible=any(map(swapped, dates)))
    for key, line in reader.lines(_rows(source, profile)):
        if key not in groups:
            if len(groups) == MAX_STATEMENTS:
                raise UnreadableStatementError(f"More than {MAX_STATEMENTS} accounts and currencies.", row=line.row)
            groups[key] = _Group()
        groups[key].add(line)
        days.add(line.booked_on)
        if other_days.possible:
            other_days.possible = line.booked_on.day <= 12
            if other_days.possible:
                other_days.add(line.booked_on.replace(month=line.booked_on.day, day=line.booked_on.month))
    currency = profile.currency or reader.facts.labels.found.get("currency", ("", 0))[0].upper()
    return Survey(
        dates, reader.facts, groups or {("", check_currency(currency, None, "currency")): _Group()}, days, other_days
    )


def _statement(source: BinaryIO, profile: Profile, survey: Survey, key: Key, group: _Group) -> Statement:
    reader = LineReader(profile, survey.dates)
    account, currency = key
    found = survey.facts.labels.found
    statement = Statement(
        lines=(line for of, line in reader.lines(_rows(source, profile)) if of == key),
        account=account_of(account or found.get("account", ("", 0))[0]),
        currency=currency,
        period_start=group.start,
        period_end=group.end,
    )
    if balances := group.balances():
        statement.opening, statement.closing = balances
    elif group.first_balance is not None:
        statement.notes.append("The balances of the rows do not follow from their amounts.")
    if profile.order not in ("auto", group.order() or profile.order):
        raise UnreadableStatementError(f"The rows are not {profile.order.replace('_', ' ')}.", row=1)
    if len(survey.groups) == 1:
        _declare(statement, survey.facts, profile)
    elif found:
        statement.notes.append("The figures around the table are not those of one currency and were left out.")
    _note(statement, survey.facts)
    return statement


def _declare(statement: Statement, facts: Facts, profile: Profile) -> None:
    def amount(means: str) -> Decimal | None:
        if means not in facts.labels.found:
            return None
        text, row = facts.labels.found[means]
        return read_number(text, profile.number_form, currency=statement.currency, row=row, column=means).signed

    def count(means: str) -> int | None:
        if means not in facts.labels.found:
            return None
        text, row = facts.labels.found[means]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise UnreadableStatementError(f"{text[:40]!r} is not a number of lines.", row=row, column=means)
        return int(text)

    def first(*values: Decimal | None) -> Decimal | None:
        return next((value for value in values if value is not None), None)

    statement.opening = first(facts.opening, amount("opening"), statement.opening)
    statement.closing = first(facts.closing, amount("closing"), statement.closing)
    statement.declared_credits = first(facts.credits, amount("credits"))
    debits = first(facts.debits, amount("debits"))
    statement.declared_debits = None if debits is None else abs(debits)
    credit_lines, debit_lines = count("credit_lines"), count("debit_lines")
    both = credit_lines + debit_lines if credit_lines is not None and debit_lines is not None else None
    statement.declared_lines = count("lines") if both is None else both


def _note(statement: Statement, facts: Facts) -> None:
    if facts.dropped:
        statement.notes.append(f"Left out as failed or reverted: {facts.dropped}.")
    if facts.pending_without_date:
        statement.notes.append(f"Left out as pending without a day: {facts.pending_without_date}.")
