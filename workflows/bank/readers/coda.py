"""CODA (Febelfin): statements of Belgian banks, in records of 128 signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple

import coda

from workflows.bank.readers.rows import read_rows
from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Detail,
    Line,
    Statement,
    UnreadableStatementError,
    checked_amount,
    iban_of,
)

NAME = "coda"
VERSION = "1"

RECORD_LENGTH = 128
MAX_RECORDS = 50_000  # of one statement, whose movements are numbered with four digits

_SNIFF = re.compile(rb"[\r\n]*0000[0-9 ]\d{6}[0-9 ]{3}05[ D]")
_KIND = re.compile(r"[01489]|[23][123]", re.ASCII)
# Columns that hold a number, from 0; the library takes them as Python would: "1_0", " 1", digits of any script.
_NUMBERS = {
    "0": ((5, 11), (127, 128)),
    "1": ((42, 64),),
    "21": ((2, 10), (31, 53), (115, 121)),
    "22": ((2, 10),),
    "23": ((2, 10),),
    "8": ((41, 63),),
    "9": ((16, 52),),
}
_SIGNS = {"1": 42, "21": 31, "8": 41}
_COMMUNICATIONS = {"21": (61, 115), "22": (10, 63), "23": (82, 125), "31": (39, 113), "32": (10, 115), "33": (10, 100)}
_REFERENCES = {"100", "101", "102", "103"}  # ISO 11649, or 12 digits with a check
_NAME_AND_ADDRESS = "1001"


class Record(NamedTuple):
    row: int
    text: str

    @property
    def kind(self) -> str:
        return self.text[:2] if self.text[0] in "23" else self.text[0]

    @property
    def place(self) -> str:
        """The number of a movement and of its detail."""
        return self.text[2:10]

    def refuse(self, detail: str) -> UnreadableStatementError:
        return UnreadableStatementError(f"Record {self.kind}: {detail}", row=self.row)


class _Given:
    """The records as the library takes them; `row` is that of the last one taken."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records, self.row = records, records[0].row

    def __iter__(self) -> Iterator[str]:
        for record in self.records:
            self.row = record.row
            yield record.text


def sniff(head: bytes) -> bool:
    """Whether the file begins with a header of application 05."""
    return _SNIFF.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def read(stream: BinaryIO) -> Iterator[Statement]:
    """One statement for each header (0) to its trailer (9)."""
    block: list[Record] = []
    found = False
    for record in _records(stream):
        if bool(block) == (record.kind == "0"):
            raise record.refuse("a statement begins with a header (0) and ends with a trailer (9).")
        block.append(record)
        if len(block) > MAX_RECORDS:
            raise record.refuse("more records than one statement has.")
        if record.kind == "9":
            yield _statement(block)
            block, found = [], True
    if block:
        raise block[-1].refuse("the file ends here, before the trailer (9) of its last statement.")
    if not found:
        raise UnreadableStatementError("No statement is here: no record begins with 0.")


def _statement(block: list[Record]) -> Statement:
    undated = {record.place for record in block if _is_undated(record)}
    parsed = _parsed([_dated(record) for record in block])
    first = {kind: next(record for record in block if record.kind == kind) for kind in ("1", "9")}
    currency = str(parsed.account_currency)

    def amount(value: Decimal, row: int, column: str) -> Decimal:
        return checked_amount(value, currency=currency, row=row, column=column)

    return Statement(
        lines=_lines(parsed, block, undated, currency),
        account=_account(str(parsed.account), structure=first["1"].text[1]),
        currency=currency,
        number=str(parsed),
        opening=amount(parsed.old_balance, first["1"].row, "old balance"),
        closing=amount(parsed.new_balance, first["9"].row, "new balance"),
        period_start=parsed.old_balance_date,
        period_end=parsed.new_balance_date,
        declared_credits=amount(parsed.total_credit, first["9"].row, "sum of credits"),
        declared_debits=amount(parsed.total_debit, first["9"].row, "sum of debits"),
        notes=[message.text for message in parsed.free_communications if message.text],
    )


def _lines(parsed: Any, block: list[Record], undated: set[str], currency: str) -> Iterator[Line]:
    rows = {record.place: record.row for record in block if record.kind == "21"}
    texts = _texts(block)
    for move in parsed.moves:
        row = rows[str(move)]
        if len(texts[str(move)]) > TEXT_MAX_LENGTH:
            raise UnreadableStatementError("The text is longer than that of any movement.", row=row)
        yield Line(
            row=row,
            booked_on=move.entry_date,
            value_on=None if str(move) in undated else move.value_date,
            amount=checked_amount(move.amount, currency=currency, row=row, column="amount"),
            text=texts[str(move)],
            details=tuple(
                Detail(
                    amount=checked_amount(part.amount, currency=currency, row=rows[str(part)], column="amount"),
                    text=texts[str(part)],
                    **_parties(part),
                )
                for part in move.moves
            ),
            **_parties(move),
        )


def _parties(move: Any) -> dict[str, Any]:
    references = [move.customer_reference or ""]
    if move.communication_type in _REFERENCES:
        references.append(move.communication.strip())
    account = (move.counterparty_account or "").split()
    return {
        "payer_name": move.counterparty_name or "",
        "payer_account": account[0] if account else "",
        "references": tuple(reference for reference in references if reference),
        "bank_id": move.bank_reference.strip(),
        "is_return": bool(move.r_transaction),
        "return_reason": move.r_reason or "",
    }


def _texts(block: Sequence[Record]) -> dict[str, str]:
    """By movement: its communication, and the texts that follow it, one line each; columns are parted by blanks."""
    found: dict[str, list[str]] = {}
    place = ""
    for record in block:
        if record.kind not in _COMMUNICATIONS:
            continue
        piece = record.text[slice(*_COMMUNICATIONS[record.kind])]
        if record.kind == "21":
            place = record.place
        if record.kind in ("21", "31"):
            found.setdefault(place, []).append(piece)
        elif place in found:
            found[place][-1] += piece
    return {place: "\n".join(filter(None, map(_text, texts))) for place, texts in found.items()}


def _text(communication: str) -> str:
    """The first sign says whether a structure follows, whose three digits are no text."""
    if communication.startswith(_NAME_AND_ADDRESS):
        return ""
    text = communication[4:] if communication.startswith("1") else communication[1:]
    return "\n".join(re.split(r" {2,}", text.strip()))


def _account(account: str, *, structure: str) -> AccountIdentifier:
    """An account of before IBAN has 12 digits in Belgium: its IBAN follows."""
    if structure == "0" and re.fullmatch(r"\d{12}", account, re.ASCII):
        return AccountIdentifier(iban=iban_of("BE", account), number=account)
    if structure in ("2", "3"):
        return AccountIdentifier(iban=account)
    return AccountIdentifier(number=account)


def _parsed(block: list[Record]) -> Any:
    """The library's statement. It asserts what has to agree, mostly without a word, and raises as Python does."""
    given = _Given(block)
    parser = coda.CODA.__new__(coda.CODA)
    try:
        coda.CODA.__init__(parser, given)
        (parsed,) = parser.statements
        _ = parsed.account, parsed.account_currency
    except AssertionError as error:
        raise UnreadableStatementError(_disagreement(parser.statements[-1], block), row=given.row) from error
    except Exception as error:
        raise UnreadableStatementError(f"The record cannot be read: {error!r}"[:300], row=given.row) from error
    return parsed


def _disagreement(parsed: Any, block: list[Record]) -> str:
    """What the library found without saying it."""
    amounts = [move.amount for move in parsed.moves]
    total = sum(amounts, Decimal(0))
    count = sum(record.text[0] in "1238" for record in block)
    if parsed.total_credit is None:
        return "Records that belong to one movement, balance or text contradict each other."
    compared = [
        ("credits", parsed.total_credit, sum((amount for amount in amounts if amount > 0), Decimal(0))),
        ("debits", parsed.total_debit, -sum((amount for amount in amounts if amount <= 0), Decimal(0))),
        ("the new balance", parsed.new_balance, parsed.old_balance + total),
        ("records", parsed.number_records, count),
    ]
    return " ".join(
        f"The statement declares {declared} for {name}, and its movements give {counted}."
        for name, declared, counted in compared
        if declared != counted
    )


def _is_undated(record: Record) -> bool:
    return record.kind == "21" and record.text[47:53] == "000000"


def _dated(record: Record) -> Record:
    """With the day of booking where the value date is not known: the library would refuse the whole file."""
    if not _is_undated(record):
        return record
    return Record(record.row, record.text[:47] + record.text[115:121] + record.text[53:])


def _records(stream: BinaryIO) -> Iterator[Record]:
    for row, line in read_rows(stream):
        text = _decoded(line.strip(b"\x1a"))
        if text.strip():
            record = Record(row, text.ljust(RECORD_LENGTH))
            _check(record)
            yield record


def _check(record: Record) -> None:
    if not _KIND.fullmatch(record.kind):
        raise record.refuse("there is no such record.")
    if len(record.text.rstrip()) > RECORD_LENGTH:
        raise record.refuse(f"it is longer than {RECORD_LENGTH} signs.")
    for start, end in _NUMBERS.get(record.kind, ()):
        if not re.fullmatch(r"\d+", record.text[start:end], re.ASCII):
            raise record.refuse(f"{record.text[start:end]!r} in columns {start + 1} to {end} are no digits.")
    sign = _SIGNS.get(record.kind)
    if sign is not None and record.text[sign] not in "01":
        raise record.refuse(f"the sign in column {sign + 1} is neither 0 (credit) nor 1 (debit).")
    if record.kind == "21" and record.text[53] == "9":
        raise record.refuse("a detail of a detail (type 9) is not read.")


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")
