"""MT940 and MT942: statements and interim reports in SWIFT's tags, with the dialects of many banks.

The tags are taken apart here, one entry at a time, so that memory stays flat; mt-940 gives an entry its sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import BinaryIO

import mt940

from core.money import is_currency
from workflows.bank.readers.mt940_details import Details, meaningful, read_details, read_non_swift
from workflows.bank.readers.mt940_tags import Lookahead, Tag, read_tags
from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Line,
    Statement,
    UnreadableStatementError,
    calendar_day,
    checked_amount,
)

NAME = "mt940"
VERSION = "1"

NOTE_MAX_LENGTH = 300
DAYS_OF_HALF_A_YEAR = 183

_HEAD = {"25", "25P", "28", "28C", "13D", "34F", "60", "60F", "60M", "86", "NS"}

_OPENS = re.compile(rb"(?:^|[\r\n])[\x01-\x09\x0b\x0c\x0e-\x20]*:20:")
_GOES_ON = re.compile(rb"[\r\n]:(?:25P?|28C?|60[FM]?|34F|13D|NS):")
_BALANCE = re.compile(r"([CD])(\d{2})(\d{2})(\d{2})([A-Z]{3})?([\d,]+)\s*", re.ASCII | re.IGNORECASE)
_AMOUNT = re.compile(r"\d{1,40}(,\d{0,20})?|,\d{1,20}", re.ASCII)
_SUM = re.compile(r"(\d{1,5})([A-Z]{3})([\d,]+)\s*", re.ASCII)
_ING_SUMS = re.compile(r"D(\d{6})C(\d{6})D([\d,]+)C([\d,]+)", re.ASCII)
_ORIGINAL = re.compile(r"/OCMT/([A-Z]{3})([\d,]+)", re.ASCII)
_CHARGES = re.compile(r"/CHGS/([A-Z]{3})([\d,]+)", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_GIRO_ACCOUNT = re.compile(r"P\d{9}", re.ASCII)  # Dutch, of before IBAN


class EntryTag(mt940.tags.Statement):
    """:61: as banks write it. The library's own pattern cuts amounts after 15 digits and references after 16 signs."""

    RE_FLAGS = re.VERBOSE | re.ASCII
    pattern = r"""
    (?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)
    (?:(?P<booked_month>\d\d)(?P<booked_day>\d\d)|[ ]{4})?
    (?P<expected>[Ee]?)(?P<status>[Rr]?[CcDd])(?P<funds_code>[A-Za-z])?[\n ]?
    (?P<amount>\d{1,40}(?:,\d{0,20})?|,\d{1,20})
    (?P<id>[A-Za-z][A-Za-z0-9 ]{3})
    (?P<customer_reference>(?:(?!//)[^\n])*)
    (?://(?P<bank_reference>[^\n]*))?
    (?:\n(?P<supplementary>[\s\S]*))?
    """


_ENTRY = EntryTag()
_CONTEXT = mt940.models.Transactions(options=mt940.Options.all())


def sniff(head: bytes) -> bool:
    """Whether :20: begins a line and a tag of a statement follows."""
    head = head.removeprefix(b"\xef\xbb\xbf")
    opens = _OPENS.search(head)
    return b"\0" not in head and opens is not None and _GOES_ON.search(head, opens.end()) is not None


def read(stream: BinaryIO) -> Iterator[Statement]:
    """One statement for each :20:."""
    tags = Lookahead(read_tags(stream))
    count = 0
    while (tag := tags.peek()) is not None:
        if tag.name != "20":
            raise UnreadableStatementError(f":{tag.name}: stands outside a statement.", row=tag.row)
        count += 1
        yield from _one(tags, f"Statement {count} ({tag.first_line[:35]!r})")
    if not count:
        raise UnreadableStatementError("No statement is here: no line begins with :20:.")


def _one(tags: Lookahead, where: str) -> Iterator[Statement]:
    try:
        statement, is_interim = _head(tags)
    except UnreadableStatementError as error:
        raise _named(error, where) from error
    statement.lines = _lines(tags, statement, is_interim=is_interim, where=where)
    yield statement
    for _line in statement.lines:
        pass


def _head(tags: Lookahead) -> tuple[Statement, bool]:
    """All before the first entry, and whether it is an interim report (MT942)."""
    statement = Statement(lines=iter(()), account=AccountIdentifier())
    is_interim = False
    tags.take()
    while (tag := tags.peek()) is not None and tag.name in _HEAD:
        tags.take()
        if tag.name.startswith("25"):
            statement.account = _account(tag.value)
        elif tag.name.startswith("28"):
            statement.number = tag.first_line.strip()
        elif tag.name.startswith("60"):
            if statement.opening is not None:
                raise UnreadableStatementError("A second opening balance.", row=tag.row, column=tag.column)
            statement.opening, statement.period_start = _balance(tag, statement)
        elif tag.name in ("13D", "34F"):
            is_interim = True
            if tag.name == "34F":
                statement.currency = statement.currency or tag.value[:3].upper()
    return statement, is_interim and statement.opening is None


def _lines(tags: Lookahead, statement: Statement, *, is_interim: bool, where: str) -> Iterator[Line]:
    try:
        while (tag := tags.peek()) is not None and tag.name != "20":
            tags.take()
            if tag.name == "61":
                _check_place(tag, statement, is_interim=is_interim)
                yield _line(tag, tags.details(), statement, is_interim=is_interim)
            else:
                _foot(tag, statement)
    except UnreadableStatementError as error:
        raise _named(error, where) from error


def _check_place(tag: Tag, statement: Statement, *, is_interim: bool) -> None:
    if statement.closing is not None:
        raise UnreadableStatementError("An entry stands after the closing balance.", row=tag.row, column=tag.column)
    if statement.opening is None and not is_interim:
        raise UnreadableStatementError(
            "An entry stands before an opening balance (:60F:), and this is no interim report (:34F:, :13D:).",
            row=tag.row,
            column=tag.column,
        )


def _foot(tag: Tag, statement: Statement) -> None:
    """Closing balance, declared sums, and texts that belong to the statement and to no entry of it."""
    if tag.name.startswith("62"):
        if statement.closing is not None:
            raise UnreadableStatementError("A second closing balance.", row=tag.row, column=tag.column)
        statement.closing, statement.period_end = _balance(tag, statement)
    elif tag.name.startswith("60"):
        raise UnreadableStatementError("A second opening balance.", row=tag.row, column=tag.column)
    elif tag.name.startswith("90"):
        _declare(tag, statement)
    elif tag.name == "86":
        _read_trailer(tag, statement)


def _declare(tag: Tag, statement: Statement) -> None:
    found = _SUM.fullmatch(tag.first_line)
    if found is None:
        raise UnreadableStatementError(
            f"{tag.first_line[:40]!r} is no count, currency and sum.", row=tag.row, column=tag.column
        )
    amount = _amount(found[3], statement, tag)
    statement.declared_lines = (statement.declared_lines or 0) + int(found[1])
    if tag.name == "90C":
        statement.declared_credits = (statement.declared_credits or Decimal(0)) + amount
    else:
        statement.declared_debits = (statement.declared_debits or Decimal(0)) + amount


def _read_trailer(tag: Tag, statement: Statement) -> None:
    if sums := _ING_SUMS.match(tag.value):
        statement.declared_lines = int(sums[1]) + int(sums[2])
        statement.declared_debits = _amount(sums[3], statement, tag)
        statement.declared_credits = _amount(sums[4], statement, tag)
    else:
        statement.notes.append(" ".join(tag.value.split())[:NOTE_MAX_LENGTH])


def _line(tag: Tag, details: Sequence[Tag], statement: Statement, *, is_interim: bool) -> Line:
    found = _ENTRY.re.fullmatch(tag.value)
    if found is None:
        raise UnreadableStatementError(
            f"{tag.first_line[:40]!r} is no entry: day, C, D, RC or RD, amount with a comma and type are expected.",
            row=tag.row,
            column=tag.column,
        )
    notes: list[str] = []
    value_on = _day(_year(found["year"]), found["month"], found["day"], tag, notes)
    booked_on = value_on
    if found["booked_month"]:
        booked_on = _booked(found["booked_month"], found["booked_day"], value_on, tag, notes)
    read = _merged(details)
    supplementary = (found["supplementary"] or "").strip()
    below = "".join(supplementary.split()).upper()
    is_account = bool(_IBAN.fullmatch(below) or _GIRO_ACCOUNT.fullmatch(below))
    text = "\n".join(part for part in ("" if is_account else supplementary, read.text) if part)
    if len(text) > TEXT_MAX_LENGTH:
        raise UnreadableStatementError("The text is longer than that of any entry.", row=tag.row, column=":86:")
    bank_id = meaningful([found["bank_reference"] or ""])
    return Line(
        row=tag.row,
        booked_on=booked_on,
        value_on=value_on,
        amount=_signed(found, statement, tag),
        text=text,
        payer_name=read.payer_name,
        payer_account=read.payer_account or (below if is_account else ""),
        references=meaningful([found["customer_reference"], *read.references]),
        bank_id=bank_id[0] if bank_id else "",
        pending=is_interim or bool(found["expected"]),
        is_return=read.is_return or found["status"].upper().startswith("R") or found["id"][1:].upper() == "RTI",
        return_reason=read.return_reason,
        instructed=_original(supplementary, statement, tag),
        charges=_charges(supplementary, statement, tag),
        notes=tuple(notes),
    )


def _signed(found: re.Match[str], statement: Statement, tag: Tag) -> Decimal:
    """By the library: money goes out with D and RC, comes in with C and RD."""
    groups = found.groupdict() | {"year": "2000", "month": "1", "day": "1"}  # its own reading of days refuses many
    amount = _ENTRY(_CONTEXT, groups)["amount"]
    assert isinstance(amount, mt940.models.Amount)
    return _checked(amount.amount, statement, tag)


def _booked(month: str, day: str, value_on: date, tag: Tag, notes: list[str]) -> date:
    """The day of booking has no year: the one that is nearest to the value date."""
    for year in (value_on.year, value_on.year - 1, value_on.year + 1):
        read: list[str] = []
        booked_on = _day(year, month, day, tag, read)
        if abs((booked_on - value_on).days) <= DAYS_OF_HALF_A_YEAR:
            break
    notes += read
    return booked_on


def _year(text: str) -> int:
    """SWIFT's rule for two digits."""
    return int(text) + (2000 if int(text) < 80 else 1900)


def _day(year: int, month: str, day: str, tag: Tag, notes: list[str]) -> date:
    """A day past the end of its month is its last one: banks count interest in months of 30 days."""
    found, note = calendar_day(year, int(month), int(day), row=tag.row, column=tag.column)
    notes += [note] if note else []
    return found


def _balance(tag: Tag, statement: Statement) -> tuple[Decimal, date | None]:
    """Older files leave the currency of the closing balance out."""
    found = _BALANCE.fullmatch(tag.first_line)
    if found is None:
        raise UnreadableStatementError(
            f"{tag.first_line[:40]!r} is no balance: C or D, day, currency and amount are expected.",
            row=tag.row,
            column=tag.column,
        )
    currency = (found[5] or "").upper()
    if statement.currency and currency and currency != statement.currency:
        raise UnreadableStatementError(
            f"A balance in {currency} in a statement in {statement.currency}.", row=tag.row, column=tag.column
        )
    statement.currency = statement.currency or currency
    amount = _amount(found[6], statement, tag)
    try:
        day = _day(_year(found[2]), found[3], found[4], tag, statement.notes)
    except UnreadableStatementError:
        statement.notes.append(f"The balance :{tag.name}: has no day that exists.")
        return (amount if found[1].upper() == "C" else -amount), None
    return (amount if found[1].upper() == "C" else -amount), day


def _amount(text: str, statement: Statement, tag: Tag) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise UnreadableStatementError(f"{text[:40]!r} is not an amount.", row=tag.row, column=tag.column)
    return _checked(Decimal(text.replace(",", ".")), statement, tag)


def _checked(amount: Decimal, statement: Statement, tag: Tag) -> Decimal:
    """In the digits of the currency; German marks and other money of the past has no entry in ISO 4217 today."""
    currency = statement.currency if is_currency(statement.currency) else ""
    return checked_amount(amount, currency=currency, row=tag.row, column=tag.column)


def _original(supplementary: str, statement: Statement, tag: Tag) -> tuple[Decimal, str] | None:
    found = _ORIGINAL.search(supplementary)
    if found is None or not (is_currency(found[1]) and _AMOUNT.fullmatch(found[2])):
        return None
    amount = checked_amount(Decimal(found[2].replace(",", ".")), currency=found[1], row=tag.row, column=tag.column)
    return amount, found[1]


def _charges(supplementary: str, statement: Statement, tag: Tag) -> Decimal | None:
    found = _CHARGES.search(supplementary)
    if found is None or found[1] != statement.currency or not _AMOUNT.fullmatch(found[2]):
        return None
    return _amount(found[2], statement, tag)


def _merged(details: Sequence[Tag]) -> Details:
    """An entry may have several :86: or :NS:."""
    read = [(read_details if tag.name == "86" else read_non_swift)(tag.value.split("\n")) for tag in details]
    if len(read) == 1:
        return read[0]
    return Details(
        text="\n".join(each.text for each in read if each.text),
        payer_name=next((each.payer_name for each in read if each.payer_name), ""),
        payer_account=next((each.payer_account for each in read if each.payer_account), ""),
        references=tuple(reference for each in read for reference in each.references),
        is_return=any(each.is_return for each in read),
        return_reason=next((each.return_reason for each in read if each.return_reason), ""),
    )


def _account(text: str) -> AccountIdentifier:
    """IBAN, "bank/account", or the account alone; a currency at the end is none of it."""
    first, _, bic = text.partition("\n")
    parts = ["".join(part.split()).upper() for part in first.split("/")]
    if len(parts) > 1 and is_currency(parts[-1]):
        parts.pop()
    number = parts[-1]
    bank = parts[0] if len(parts) > 1 else "".join(bic.split()).upper()
    for text in (number, number[:-3] if is_currency(number[-3:]) else ""):
        if (account := AccountIdentifier.of(text, bank=bank)).iban:
            return account
    return AccountIdentifier(number="/".join([*parts[1:-1], number]), bank=bank)


def _named(error: UnreadableStatementError, where: str) -> UnreadableStatementError:
    return UnreadableStatementError(f"{where}: {error.detail}", row=error.row, column=error.column)
