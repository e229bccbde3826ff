"""BAI2: balance and transaction reports of banks in the United States and beyond."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from core.money import is_currency, minor_units
from workflows.bank.readers.rows import read_rows
from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Line,
    Statement,
    UnreadableStatementError,
    checked_amount,
)

NAME = "bai2"
VERSION = "1"

MAX_CONTINUATIONS = 500
DEFAULT_CURRENCY = "USD"  # by the format, where neither group nor account names one

_SNIFF = re.compile(rb"[ \r\n]*01,[^,\r\n]*,[^,\r\n]*,\d{6},")
_OPENING, _CLOSING, _TOTAL_CREDITS, _TOTAL_DEBITS = "010", "015", "100", "400"
_RETURNS = {"252", "255", "257", "258", "552", "555", "557", "558"}  # reversals, returned cheques and ACH items
_RETURN_WORDS = re.compile(r"(RETURNED|RTN)\b", re.IGNORECASE)  # in Canada under 409, debits of any kind
_RETURN_REASON = re.compile(r"\bR\d\d\b", re.ASCII)
_REFUSED_GROUPS = {"2": "a deletion", "4": "a test"}
_INTERIM_SAME_DAY = "3"


@dataclass(slots=True)
class Record:
    """A record with its continuations (88); the end mark "/" and the blanks before it are off."""

    row: int
    kind: str
    pieces: list[str]

    @property
    def fields(self) -> list[str]:
        """Where a list of fields goes on in a continuation, the comma is not written."""
        return ",".join(self.pieces).split(",")

    def refuse(self, detail: str, column: str) -> UnreadableStatementError:
        return UnreadableStatementError(f"Record {self.kind}: {detail}", row=self.row, column=column)


@dataclass(slots=True)
class Group:
    """What a record 02 says of the accounts behind it."""

    bank: str
    day: date
    currency: str
    is_interim: bool


@dataclass(slots=True)
class _Account:
    statement: Statement
    group: Group
    control: int = 0  # of all amounts, in minor units
    end: Record | None = None

    @property
    def currency(self) -> str:
        return self.statement.currency


def sniff(head: bytes) -> bool:
    """Whether the file begins with a file header (01)."""
    return _SNIFF.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(stream: BinaryIO) -> Iterator[Statement]:
    """One statement for each record 03, with what the group before it says."""
    records = _records(stream)
    first = next(records, None)
    if first is None or first.kind != "01":
        raise UnreadableStatementError("No file header is here: the first record is not 01.", row=1)
    group: Group | None = None
    last = first
    for record in records:
        last = record
        if record.kind == "02":
            group = _group(record)
        elif record.kind == "03" and group is not None:
            account = _account(record, group)
            account.statement.lines = _lines(records, record, account)
            yield account.statement
            for _line in account.statement.lines:
                pass
            last = account.end or last
        elif record.kind not in ("98", "99"):
            raise record.refuse("it stands outside an account (records 03 to 49).", "record")
    if last.kind != "99":
        raise last.refuse("the file ends here, without its trailer (99).", "record")


def _lines(records: Iterator[Record], head: Record, account: _Account) -> Iterator[Line]:
    last = head
    for record in records:
        last = record
        if record.kind == "49":
            _check_control(record, account)
            return
        if record.kind != "16":
            raise record.refuse("it stands inside an account (records 03 to 49).", "record")
        line = _line(record, account)
        if line is not None:
            yield line
    raise last.refuse("the file ends here, without the trailer (49) of its account.", "record")


def _check_control(record: Record, account: _Account) -> None:
    account.end = record
    declared = _minor(record, record.fields[0], "control total")
    if declared != account.control:
        raise record.refuse(
            f"the control total is {declared}, and the amounts add up to {account.control}.", "control total"
        )


def _group(record: Record) -> Group:
    fields = record.fields + [""] * 7
    if reason := _REFUSED_GROUPS.get(fields[2].strip()):
        raise record.refuse(f"the group is {reason}.", "group status")
    return Group(
        bank=fields[1].strip(),
        day=_day(record, fields[3], "as-of date"),
        currency=fields[5].strip().upper(),
        is_interim=fields[6].strip() == _INTERIM_SAME_DAY,
    )


def _account(record: Record, group: Group) -> _Account:
    number, currency, *rest = [*record.fields, ""]
    currency = currency.strip().upper() or group.currency or DEFAULT_CURRENCY
    if not is_currency(currency):
        raise record.refuse(f"{currency[:10]!r} is no currency.", "currency")
    statement = Statement(
        lines=iter(()),
        account=AccountIdentifier(number="".join(number.split()).upper(), bank=group.bank),
        currency=currency,
        period_start=group.day,
        period_end=group.day,
    )
    account = _Account(statement, group)
    counts: dict[str, str] = {}
    for code, minor, count in _summaries(record, rest):
        account.control += minor
        amount = _amount(record, minor, currency, code)
        counts[code] = count
        if code == _OPENING:
            statement.opening = amount
        elif code == _CLOSING:
            statement.closing = amount
        elif code == _TOTAL_CREDITS:
            statement.declared_credits = amount
        elif code == _TOTAL_DEBITS:
            statement.declared_debits = amount
    credits_, debits = counts.get(_TOTAL_CREDITS, ""), counts.get(_TOTAL_DEBITS, "")
    if re.fullmatch(r"\d{1,9}", credits_, re.ASCII) and re.fullmatch(r"\d{1,9}", debits, re.ASCII):
        statement.declared_lines = int(credits_) + int(debits)
    return account


def _summaries(record: Record, fields: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Code, amount and count of each summary; an empty amount is none."""
    rest = [text.strip() for text in fields]
    while any(rest):
        code, amount, count, funds, *rest = [*rest, "", "", "", ""]
        if not code:
            continue
        if not re.fullmatch(r"\d{3}", code, re.ASCII):
            raise record.refuse(f"{code[:20]!r} is no code of three digits.", "type code")
        rest = rest[_funds_length(record, funds, rest) :]
        if amount:
            yield code, _minor(record, amount, code), count


def _line(record: Record, account: _Account) -> Line | None:
    head, texts = _transaction(record)
    code, written, value_on, bank_id, reference = head
    sign = _sign(record, code)
    minor = _minor(record, written, "amount") if written else 0
    if minor < 0:
        raise record.refuse(f"{written[:40]!r} has a sign, and its type {code} has one too.", "amount")
    account.control += minor
    if sign == 0:
        return None
    if not written:
        raise record.refuse("it has no amount.", "amount")
    text = "\n".join(texts)
    if len(text) > TEXT_MAX_LENGTH:
        raise record.refuse("its text is longer than that of any transaction.", "text")
    is_return = code in _RETURNS or bool(_RETURN_WORDS.match(text))
    reason = _RETURN_REASON.search(text) if is_return else None
    return Line(
        row=record.row,
        booked_on=account.group.day,
        value_on=value_on,
        amount=sign * _amount(record, minor, account.currency, "amount"),
        text=text,
        references=(reference,) if reference else (),
        bank_id=bank_id,
        pending=account.group.is_interim,
        is_return=is_return,
        return_reason=reason[0] if reason else "",
    )


def _transaction(record: Record) -> tuple[tuple[str, str, date | None, str, str], list[str]]:
    """Type, amount, value date and the two references, then the lines of text, which may hold commas."""
    used = 1
    while True:
        fields = ",".join(record.pieces[:used]).split(",")
        code, amount, funds, *rest = [text.strip() for text in [*fields, "", ""][: max(3, len(fields))]]
        length = _funds_length(record, funds, rest)
        if len(fields) >= 5 + length or used == len(record.pieces):
            break
        used += 1
    value_on = _day(record, rest[0], "value date") if funds == "V" and rest[:1] != [""] and rest else None
    bank_id, reference = [*rest[length:], "", ""][:2]
    text = ",".join(fields[5 + length :]).strip()
    texts = [piece.strip() for piece in record.pieces[used:]]
    return (code, amount, value_on, bank_id, reference), [line for line in [text, *texts] if line]


def _funds_length(record: Record, funds: str, rest: Sequence[str]) -> int:
    """How many fields follow a funds type."""
    if funds in ("", "0", "1", "2", "Z"):
        return 0
    if funds in ("S", "V"):
        return {"S": 3, "V": 2}[funds]
    if funds == "D" and rest and re.fullmatch(r"\d{1,3}", rest[0], re.ASCII):
        return 1 + 2 * int(rest[0])
    if funds == "D" and not rest:
        return 1
    raise record.refuse(f"{funds[:20]!r} is no funds type.", "funds type")


def _sign(record: Record, code: str) -> int:
    """Credits are 100 to 399 and 920 to 959, debits 400 to 699 and 960 to 999; 890 tells something."""
    number = int(code) if re.fullmatch(r"\d{3}", code, re.ASCII) else 0
    if 100 <= number <= 399 or 920 <= number <= 959:
        return 1
    if 400 <= number <= 699 or 960 <= number <= 999:
        return -1
    if number == 890:
        return 0
    raise record.refuse(f"the type {code[:20]!r} is neither credit nor debit.", "type code")


def _minor(record: Record, text: str, column: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,40}", text.strip(), re.ASCII):
        raise record.refuse(f"{text.strip()[:40]!r} is no amount in minor units.", column)
    return int(text.strip())


def _amount(record: Record, minor: int, currency: str, column: str) -> Decimal:
    """Without a point: cents of a dollar, yen, thousandths of a dinar."""
    amount = Decimal(minor).scaleb(-minor_units(currency))
    return checked_amount(amount, currency=currency, row=record.row, column=column)


def _day(record: Record, text: str, column: str) -> date:
    digits = text.strip()
    try:
        if re.fullmatch(r"\d{6}", digits, re.ASCII):
            return date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        pass
    raise record.refuse(f"{digits[:20]!r} is no day.", column)


def _records(stream: BinaryIO) -> Iterator[Record]:
    record: Record | None = None
    for row, line in read_rows(stream):
        text = _decoded(line.strip(b"\x1a")).rstrip()
        if not text:
            continue
        kind, comma, rest = text.partition(",")
        rest = rest.removesuffix("/").rstrip() if comma else ""
        if kind == "88" and record is not None:
            record.pieces.append(rest)
            if len(record.pieces) > MAX_CONTINUATIONS:
                raise record.refuse("it goes on for longer than any record.", "record")
            continue
        if kind not in ("01", "02", "03", "16", "49", "98", "99"):
            raise UnreadableStatementError(f"{kind[:20]!r} is no record.", row=row, column="record")
        if record is not None:
            yield record
        record = Record(row, kind, [rest])
    if record is not None:
        yield record


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")
