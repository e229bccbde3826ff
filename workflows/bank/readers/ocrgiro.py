"""OCR giro: payments with a KID to Norwegian accounts, in records of 80 signs (Nets, System specification OCR giro)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO, NamedTuple

from workflows.bank.readers.rows import read_rows
from workflows.bank.readers.statement import (
    AccountIdentifier,
    Line,
    Statement,
    UnreadableStatementError,
    checked_amount,
    iban_of,
)

NAME = "ocrgiro"
VERSION = "1"

CURRENCY = "NOK"
RECORD_LENGTH = 80
MAX_TEXTS = 50  # records 32 of one transaction
FIRST_YEAR = 70  # two digits: 1970 to 2069

_SNIFF = re.compile(rb"[ \r\n]*NY000010\d{23}")
_PAYMENT, _OF_FILE = "09", "00"  # service codes
_REVERSING = {"18": "reversing with KID", "20": "reversing with free text"}
_TRANSACTION_TYPES = range(10, 22)


class Record(NamedTuple):
    row: int
    text: str

    @property
    def kind(self) -> str:
        """Service and type of record, such as 0930."""
        return self.text[2:4] + self.text[6:8]

    def cut(self, start: int, end: int) -> str:
        """By the columns of the specification, which count from 1 and include the last."""
        return self.text[start - 1 : end]

    def refuse(self, detail: str, column: str) -> UnreadableStatementError:
        return UnreadableStatementError(f"Record {self.kind[2:]}: {detail}", row=self.row, column=column)


@dataclass(slots=True)
class _Totals:
    """As records 88 and 89 count them."""

    transactions: int = 0
    records: int = 0
    net: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)  # a reversal counted as what it is without its sign

    def add(self, other: _Totals) -> None:
        self.transactions += other.transactions
        self.records += other.records
        self.net += other.net
        self.gross += other.gross


@dataclass(slots=True)
class _File:
    """The records, one ahead."""

    records: Iterator[Record]
    totals: _Totals = field(default_factory=_Totals)
    _next: Record | None = field(default=None)

    def peek(self) -> Record | None:
        if self._next is None:
            self._next = next(self.records, None)
        return self._next

    def take(self, *kinds: str) -> Record:
        record = self.peek()
        if record is None:
            raise UnreadableStatementError("The file ends too early: its last record (89) is missing.")
        if record.kind not in kinds:
            expected = " or ".join(kind[2:] for kind in kinds)
            raise record.refuse(f"one of type {expected} is expected here.", "record type")
        self._next = None
        return record


def sniff(head: bytes) -> bool:
    """Whether the file begins with the start of a transmission."""
    return _SNIFF.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(stream: BinaryIO) -> Iterator[Statement]:
    """One statement for each assignment. What its end or the end of the file counts otherwise is refused."""
    file = _File(_records(stream))
    file.take("0010")
    file.totals.records = 1
    while (record := file.take("0920", "0089")).kind == "0920":
        statement = _statement(record)
        statement.lines = _lines(file, statement)
        yield statement
        for _line in statement.lines:
            pass
    file.totals.records += 1
    _check(record, file.totals)
    if (more := file.peek()) is not None:
        raise more.refuse("it stands behind the end of the file (89).", "record type")


def _statement(record: Record) -> Statement:
    return Statement(
        lines=iter(()),
        account=_account(record, 25, 35),
        currency=CURRENCY,
        number=str(_number(record, 18, 24, "assignment number")),
    )


def _lines(file: _File, statement: Statement) -> Iterator[Line]:
    totals = _Totals(records=1)
    while (record := file.take("0930", "0988")).kind == "0930":
        second = file.take("0931")
        if second.cut(9, 15) != record.cut(9, 15):
            raise second.refuse("it is of another transaction than the record 30 before it.", "transaction number")
        texts = _texts(file, record)
        line = _line(record, second, texts)
        totals.add(_Totals(1, 2 + len(texts), line.amount, abs(line.amount)))
        yield line
    totals.records += 1
    _check(record, totals)
    statement.declared_lines = totals.transactions
    if totals.net == totals.gross:
        statement.declared_credits, statement.declared_debits = totals.gross, Decimal(0)
    statement.period_start = _day(record, 48, 53, "first day")
    statement.period_end = _day(record, 54, 59, "last day")
    file.totals.add(totals)


def _texts(file: _File, first: Record) -> list[str]:
    """Of the records 32 that belong to a transaction."""
    texts: list[str] = []
    while (record := file.peek()) is not None and record.kind == "0932":
        file.take("0932")
        if record.cut(9, 15) != first.cut(9, 15):
            raise record.refuse("it is of another transaction than the record 30 before it.", "transaction number")
        texts.append(record.cut(16, 55).strip())
        if len(texts) > MAX_TEXTS:
            raise record.refuse("more of these than any transaction has.", "record type")
    return texts


def _line(first: Record, second: Record, texts: list[str]) -> Line:
    kid = first.cut(50, 74).strip()  # its zeros at the beginning count
    payer, reference = second.cut(48, 58), second.cut(26, 34)
    if not (payer.isascii() and payer.isdigit()):
        raise second.refuse(f"{payer!r} is no account of 11 digits.", "debit account")
    amount = _amount(first)
    return Line(
        row=first.row,
        booked_on=_day(first, 16, 21, "day of the settlement"),
        amount=amount,
        text="\n".join(filter(None, [kid, *texts])),
        payer_account=payer if payer.strip("0") else "",
        references=(kid,) if kid else (),
        bank_id=reference.strip() if reference.strip(" 0") else "",
        is_return=amount < 0,
        return_reason=_REVERSING.get(first.cut(5, 6), "") if amount < 0 else "",
    )


def _amount(record: Record) -> Decimal:
    """In øre; "-" for a reversal, which its type has to say, too."""
    kind, sign = record.cut(5, 6), record.cut(32, 32)
    if _number(record, 5, 6, "transaction type") not in _TRANSACTION_TYPES:
        raise record.refuse(f"{kind!r} is no type of a transaction (10 to 21).", "transaction type")
    if sign not in ("0", "-") or (sign == "-") != (kind in _REVERSING):
        raise record.refuse(f"the sign {sign!r} does not go with a transaction of type {kind}.", "sign")
    amount = _money(record, 33, 49, "amount")
    return -amount if sign == "-" else amount


def _check(record: Record, totals: _Totals) -> None:
    transactions, records = _number(record, 9, 16, "transactions"), _number(record, 17, 24, "records")
    total = _money(record, 25, 41, "total")
    if transactions != totals.transactions:
        raise record.refuse(f"it declares {transactions} transactions, and {totals.transactions} are here.", "count")
    if records != totals.records:
        raise record.refuse(f"it declares {records} records, and {totals.records} are here.", "count")
    if total not in (abs(totals.net), totals.gross):
        raise record.refuse(f"it declares a total of {total}, and {totals.net} are here.", "total")
    _day(record, 42, 47, "day of the settlement")  # a record that was cut has none


def _account(record: Record, start: int, end: int) -> AccountIdentifier:
    """The IBAN follows from the number: ISO 13616 for NO."""
    number = record.cut(start, end)
    _number(record, start, end, "account")
    return AccountIdentifier(iban=iban_of("NO", number), number=number, bank=number[:4])


def _money(record: Record, start: int, end: int, column: str) -> Decimal:
    amount = Decimal(_number(record, start, end, column)).scaleb(-2)
    return checked_amount(amount, currency=CURRENCY, row=record.row, column=column)


def _number(record: Record, start: int, end: int, column: str) -> int:
    digits = record.cut(start, end)
    if not re.fullmatch(r"\d+", digits, re.ASCII):
        raise record.refuse(f"{digits!r} in columns {start} to {end} are not digits.", column)
    return int(digits)


def _day(record: Record, start: int, end: int, column: str) -> date:
    digits = f"{_number(record, start, end, column):06}"
    year = int(digits[4:])
    try:
        return date((1900 if year >= FIRST_YEAR else 2000) + year, int(digits[2:4]), int(digits[:2]))
    except ValueError:
        raise record.refuse(f"{digits!r} is no day.", column) from None


def _records(stream: BinaryIO) -> Iterator[Record]:
    for row, line in read_rows(stream):
        text = _decoded(line.strip(b"\x1a"))
        if not text.strip():
            continue
        record = Record(row, text.rstrip())
        if not text.startswith("NY") or len(record.text) > RECORD_LENGTH:
            raise UnreadableStatementError("This is no record of 80 signs that begins with NY.", row=row)
        if record.text[2:4] not in (_PAYMENT, _OF_FILE):
            raise record.refuse(f"service {record.text[2:4]!r} is another than OCR giro.", "service code")
        yield Record(row, record.text.ljust(RECORD_LENGTH))


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
