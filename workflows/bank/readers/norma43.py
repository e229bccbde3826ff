"""Norma 43 (Cuaderno 43 of the AEB): statements of Spanish banks, in records of 80 signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO, NamedTuple

from iso4217 import Currency

from core.money import is_currency
from workflows.bank.readers.rows import read_rows
from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Line,
    Statement,
    UnreadableStatementError,
    checked_amount,
    iban_of,
)

NAME = "norma43"
VERSION = "1"

MAX_DETAILS = 50  # the norm has five 23 and one 24

_SNIFF = re.compile(rb"[ \r\n]*11\d{18}\d{12}[012]\d{14}\d{3}")
_CURRENCIES = {currency.number: currency.code for currency in Currency if is_currency(currency.code)}
_RETURN_CONCEPTS = {"14": "returned or unpaid", "98": "cancelled or corrected"}
_DC_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)


class Record(NamedTuple):
    row: int
    text: str

    @property
    def kind(self) -> str:
        return self.text[:2]

    def cut(self, start: int, end: int) -> str:
        """By the norm's own columns, which count from 1 and include the last."""
        return self.text[start - 1 : end]

    def refuse(self, detail: str, column: str) -> UnreadableStatementError:
        return UnreadableStatementError(f"Record {self.kind}: {detail}", row=self.row, column=column)


@dataclass(slots=True)
class _File:
    """The records, one ahead, and how many there were."""

    records: Iterator[Record]
    count: int = 0
    _next: Record | None = field(default=None)

    def peek(self) -> Record | None:
        if self._next is None:
            self._next = next(self.records, None)
        return self._next

    def take(self) -> None:
        self._next = None
        self.count += 1


def sniff(head: bytes) -> bool:
    """Whether the file begins with the record of an account."""
    return _SNIFF.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(stream: BinaryIO) -> Iterator[Statement]:
    """One statement for each record 11."""
    file = _File(_records(stream))
    found = False
    while (record := file.peek()) is not None and record.kind == "11":
        file.take()
        found = True
        statement = _statement(record)
        statement.lines = _lines(file, record, statement)
        yield statement
        for _line in statement.lines:
            pass
    if record is not None:
        raise record.refuse("it stands outside an account (records 11 to 33).", "record")
    if not found:
        raise UnreadableStatementError("No account is here: no record begins with 11.")


def _statement(record: Record) -> Statement:
    currency = _currency(record, 48, 50)
    return Statement(
        lines=iter(()),
        account=_account(record),
        currency=currency,
        opening=_signed(record, 33, 34, 47, currency, "opening balance"),
        period_start=_day(record, 21, 26, "first day"),
        period_end=_day(record, 27, 32, "last day"),
    )


def _lines(file: _File, head: Record, statement: Statement) -> Iterator[Line]:
    while (record := file.peek()) is not None and record.kind == "22":
        file.take()
        yield _line(record, _details(file), statement.currency)
    if record is not None and record.kind == "33":
        file.take()
        _close(record, head, statement)
        record = file.peek()
    else:
        statement.notes.append("The account has no final record (33): the file may be cut off.")
    if record is not None and record.kind == "88":
        _end(file, record)


def _details(file: _File) -> list[Record]:
    """The records 23 and 24 that belong to a movement."""
    found: list[Record] = []
    while (record := file.peek()) is not None and record.kind in ("23", "24"):
        file.take()
        found.append(record)
        if len(found) > MAX_DETAILS:
            raise record.refuse("more of these than any movement has.", "record")
    return found


def _line(record: Record, details: list[Record], currency: str) -> Line:
    texts = [record.cut(53, 80)]
    instructed = None
    for detail in details:
        if detail.kind == "23":
            texts += [detail.cut(5, 42), detail.text[42:]]
        else:
            code = _currency(detail, 5, 7)
            instructed = (_unsigned(detail, 8, 21, code, "amount in the other currency"), code)
    text = "\n".join(part.strip() for part in texts if part.strip())
    if len(text) > TEXT_MAX_LENGTH:
        raise record.refuse("its text is longer than that of any movement.", "concept")
    reason = _RETURN_CONCEPTS.get(record.cut(23, 24), "")
    return Line(
        row=record.row,
        booked_on=_day(record, 11, 16, "day of the operation"),
        value_on=_day(record, 17, 22, "value date"),
        amount=_signed(record, 28, 29, 42, currency, "amount"),
        text=text,
        references=tuple(part for part in (record.cut(53, 64).strip(), record.cut(65, 80).strip()) if part.strip("0")),
        bank_id=record.cut(43, 52).strip() if record.cut(43, 52).strip(" 0") else "",
        is_return=bool(reason),
        return_reason=reason,
        instructed=instructed,
    )


def _close(record: Record, head: Record, statement: Statement) -> None:
    if record.cut(3, 20) != head.cut(3, 20):
        raise record.refuse("it is of another account than the record 11 before it.", "account")
    if record.cut(74, 76).strip() and _currency(record, 74, 76) != statement.currency:
        raise record.refuse("it is in another currency than the record 11 before it.", "currency")
    statement.declared_lines = _number(record, 21, 25, "count of debits") + _number(record, 40, 44, "count of credits")
    statement.declared_debits = _unsigned(record, 26, 39, statement.currency, "sum of debits")
    statement.declared_credits = _unsigned(record, 45, 58, statement.currency, "sum of credits")
    statement.closing = _signed(record, 59, 60, 73, statement.currency, "final balance")


def _end(file: _File, record: Record) -> None:
    """Banks count the last record or leave it out."""
    declared = _number(record, 21, 26, "count of records")
    if declared not in (file.count, file.count + 1):
        raise record.refuse(f"it declares {declared} records, and {file.count} are here.", "count of records")
    file.take()
    if (more := file.peek()) is not None:
        raise more.refuse("it stands behind the end of the file (88).", "record")


def _account(record: Record) -> AccountIdentifier:
    """The norm leaves the check digits out: they follow from the rest, and the IBAN from them."""
    bank, branch, number = record.cut(3, 6), record.cut(7, 10), record.cut(11, 20)
    if not re.fullmatch(r"\d{18}", bank + branch + number, re.ASCII):
        raise record.refuse(f"{record.cut(3, 20)!r} is no account of 18 digits.", "account")
    ccc = bank + branch + _check_digit("00" + bank + branch) + _check_digit(number) + number
    return AccountIdentifier(iban=iban_of("ES", ccc), number=number, bank=bank)


def _check_digit(digits: str) -> str:
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_DC_WEIGHTS, digits, strict=True)) % 11
    return {10: "1", 11: "0"}.get(rest, str(rest))


def _currency(record: Record, start: int, end: int) -> str:
    number = record.cut(start, end)
    if not re.fullmatch(r"\d{3}", number, re.ASCII) or int(number) not in _CURRENCIES:
        raise record.refuse(f"{number!r} is no number of a currency.", "currency")
    return _CURRENCIES[int(number)]


def _signed(record: Record, sign: int, start: int, end: int, currency: str, column: str) -> Decimal:
    """1 is debit, 2 credit; 0 where there is nothing."""
    amount = _unsigned(record, start, end, currency, column)
    mark = record.cut(sign, sign)
    if mark not in ("1", "2") and not (mark == "0" and not amount):
        raise record.refuse(f"{mark!r} is neither debit (1) nor credit (2).", column)
    return -amount if mark == "1" else amount


def _unsigned(record: Record, start: int, end: int, currency: str, column: str) -> Decimal:
    amount = Decimal(_number(record, start, end, column)).scaleb(-2)
    return checked_amount(amount, currency=currency, row=record.row, column=column)


def _number(record: Record, start: int, end: int, column: str) -> int:
    digits = record.cut(start, end)
    if not re.fullmatch(r"\d+", digits, re.ASCII) or len(digits) != end - start + 1:
        raise record.refuse(f"{digits!r} in columns {start} to {end} are not {end - start + 1} digits.", column)
    return int(digits)


def _day(record: Record, start: int, end: int, column: str) -> date:
    digits = f"{_number(record, start, end, column):06}"
    try:
        return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise record.refuse(f"{record.cut(start, end)!r} is no day.", column) from None


def _records(stream: BinaryIO) -> Iterator[Record]:
    for row, line in read_rows(stream):
        text = _decoded(line.strip(b"\x1a"))
        if text.strip():
            yield Record(row, text)


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
