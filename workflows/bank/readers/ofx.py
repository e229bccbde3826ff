"""OFX 1 (SGML), OFX 2 (XML) and QFX, from tags and the texts behind them: what banks write is neither."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Line,
    Statement,
    UnreadableStatementError,
    calendar_day,
    parse_amount,
)

NAME = "OFX"
VERSION = "1"

CHUNK = 64 * 1024

_SNIFFED = re.compile(rb"\s*(?:OFXHEADER\s*:|(?:<\?xml[^>]*>\s*)?(?:<\?OFX\b|<OFX>))", re.IGNORECASE)
_TOKEN = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[(?P<cdata>.*?)\]\]>|<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9._]{0,39})\s*(?P<empty>/?)>"
    rb"|<(?P<declaration>!DOCTYPE|!ENTITY)",
    re.DOTALL,
)
_HEADER_CHARSET = re.compile(rb"\bCHARSET\s*:\s*(?:WINDOWS-|CP)?(125\d)\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": "\N{NO-BREAK SPACE}"}
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?:\.\d{3})+,\d{1,4}|(?:,\d{3})+\.\d{1,4})", re.ASCII)

_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS"})
_AGGREGATES = _STATEMENTS | {
    "OFX", "STMTTRN", "BANKTRANLIST", "BANKACCTFROM", "CCACCTFROM", "BANKACCTTO", "CCACCTTO", "PAYEE", "LEDGERBAL",
    "AVAILBAL", "CURRENCY", "ORIGCURRENCY", "BALLIST", "BAL", "STMTTRNP", "BANKTRANLISTP", "CCTRANLISTP", "INVSTMTRS",
}  # fmt: skip
_TRANSACTIONS = frozenset({"STMTTRN", "STMTTRNP"})
# These stand in several aggregates of one statement or transaction: the name of the aggregate tells them apart.
_SHARED = frozenset({"ACCTID", "BALAMT", "BANKID", "CURRATE", "CURSYM", "NAME"})
_OUTER = _STATEMENTS | _TRANSACTIONS | {"OFX"}
VALUES_MAX_COUNT = 1000  # of one transaction, or of all that a statement says of itself

Values = dict[str, list[str]]


def sniff(head: bytes) -> bool:
    return bool(_SNIFFED.match(head.removeprefix(codecs.BOM_UTF8)))


def read(stream: BinaryIO) -> Iterator[Statement]:
    document = _Document(stream)
    events = document.events()
    for header, transaction in events:
        statement = _statement(header)
        statement.lines = lines = _lines(statement, header, transaction, events)
        yield statement
        for _ in lines:  # what the caller left
            pass
    if not document.has_statement:
        raise UnreadableStatementError("The file has no statement of a bank account or card.")


@dataclass(slots=True)
class _Transaction:
    row: int
    pending: bool
    values: Values = field(default_factory=dict)

    def first(self, *names: str) -> str:
        return _first(self.values, *names)


def _first(values: Values, *names: str) -> str:
    """The first text that is not empty; "" where there is none."""
    return next((value for name in names for value in values.get(name, ()) if value), "")


def _statement(header: Values) -> Statement:
    account, bank = _first(header, "BANKACCTFROM/ACCTID", "CCACCTFROM/ACCTID"), _first(header, "BANKACCTFROM/BANKID")
    statement = Statement(
        lines=iter(()), account=AccountIdentifier.of(account, bank=bank), currency=_first(header, "CURDEF")
    )
    _add_header(statement, header)
    return statement


def _add_header(statement: Statement, header: Values) -> None:
    """What the statement says of itself; again at its end, where its balance stands."""
    statement.period_start = _day_if_any(_first(header, "DTSTART"))
    statement.period_end = _day_if_any(_first(header, "DTEND"))
    if balance := _first(header, "LEDGERBAL/BALAMT"):
        statement.closing = _amount(balance, currency=statement.currency, column="BALAMT")


def _day_if_any(text: str) -> date | None:
    match = _DAY.match(text)
    return calendar_day(*(int(part) for part in match.groups()))[0] if match else None


def _lines(
    statement: Statement,
    header: Values,
    transaction: _Transaction | None,
    events: Iterator[tuple[Values, _Transaction | None]],
) -> Iterator[Line]:
    while transaction is not None:
        yield _line(transaction, statement.currency)
        header, transaction = next(events)  # the end of a statement always comes, or an error
    _add_header(statement, header)


def _line(transaction: _Transaction, currency: str) -> Line:
    row, first = transaction.row, transaction.first
    if first("CORRECTFITID", "CORRECTACTION"):
        raise UnreadableStatementError(
            "The transaction changes or deletes an earlier one; that is done by hand.", row=row, column="CORRECTFITID"
        )
    notes: list[str] = []
    amount = _transaction_amount(transaction, currency)
    booked_on = _day(transaction, "DTTRAN" if transaction.pending else "DTPOSTED", notes)
    value_name = next((name for name in ("DTAVAIL", "VALUEDATE") if _DAY.match(first(name))), "")
    name = first("PAYEE/NAME", "NAME")
    return Line(
        row=row,
        booked_on=booked_on,
        amount=amount,
        value_on=_day(transaction, value_name, notes) if value_name else None,
        text=_text(transaction, name),
        payer_name=name,
        payer_account="".join(first("BANKACCTTO/ACCTID", "CCACCTTO/ACCTID").split()).upper(),
        references=_references(transaction),
        bank_id=first("FITID"),
        pending=transaction.pending,
        notes=(*notes, *_notes(transaction, amount, currency)),
    )


def _transaction_amount(transaction: _Transaction, currency: str) -> Decimal:
    found = [value for value in transaction.values.get("TRNAMT", ()) if value]
    if len(found) != 1:
        raise UnreadableStatementError("The transaction has not one amount.", row=transaction.row, column="TRNAMT")
    # CURRENCY says in what the amount is; ORIGCURRENCY only what it was before.
    other = transaction.first("CURRENCY/CURSYM")
    if currency and other and other != currency:
        raise UnreadableStatementError(
            f"The transaction is in {other[:10]}, the account in {currency}.", row=transaction.row, column="CURSYM"
        )
    return _amount(found[0], currency=currency, row=transaction.row, column="TRNAMT")


def _amount(text: str, *, currency: str, row: int | None = None, column: str) -> Decimal:
    """A point or a comma before the decimals; groups of thousands only where both signs show which is which."""
    if _GROUPED.fullmatch(text):
        text = re.sub(r"[.,](?=.*[.,])", "", text)
    elif not currency and re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", text, re.ASCII):
        raise UnreadableStatementError(f"{text} may be thousands or thousandths.", row=row, column=column)
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    return parse_amount(text, currency=currency, row=row, column=column)


def _day(transaction: _Transaction, name: str, notes: list[str]) -> date:
    """The first eight digits as they are written: with a time zone applied, midnight becomes the day before."""
    text = transaction.first(name)
    match = _DAY.match(text)
    if match is None:
        raise UnreadableStatementError(f"{text[:40]!r} is not a day.", row=transaction.row, column=name)
    year, month, day = (int(part) for part in match.groups())
    result, note = calendar_day(year, month, day, row=transaction.row, column=name)
    notes += [note] if note else []
    return result


def _text(transaction: _Transaction, name: str) -> str:
    values = transaction.values
    lines = [name, *values.get("NAME", ()), *values.get("EXTDNAME", ()), *values.get("MEMO", ())]
    text = "\n".join(dict.fromkeys(line for line in lines if line))
    if len(text) > TEXT_MAX_LENGTH:
        raise UnreadableStatementError(f"The text has more than {TEXT_MAX_LENGTH:,} characters.", row=transaction.row)
    return text


def _references(transaction: _Transaction) -> tuple[str, ...]:
    found = [transaction.first(name) for name in ("REFNUM", "CHECKNUM", "SRVRTID")]
    return tuple(dict.fromkeys(value for value in found if value.strip("0")))


def _notes(transaction: _Transaction, amount: Decimal, currency: str) -> list[str]:
    notes, kind = [], transaction.first("TRNTYPE").upper()
    if (kind == "DEBIT" and amount > 0) or (kind == "CREDIT" and amount < 0):
        notes.append(f"The type is {kind}, the amount {amount}: its sign counts.")
    if (other := transaction.first("CURRENCY/CURSYM")) and not currency:
        notes.append(f"The amount is in {other}, as the transaction says; the statement names no currency.")
    if original := transaction.first("ORIGCURRENCY/CURSYM"):
        notes.append(f"It was {original} before, at {transaction.first('ORIGCURRENCY/CURRATE')}.")
    return notes


class _Document:
    """The tags of one file in order, as statements and transactions."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._charset = "cp1252"
        self._open: list[str] = []
        self._header: Values = {}
        self._transaction: _Transaction | None = None
        self._count = 0
        self._sizes = [0, 0]  # values of the header, of the transaction
        self.has_statement = False

    def events(self) -> Iterator[tuple[Values, _Transaction | None]]:
        """(header so far, a transaction), then (header, None) at the end of each statement."""
        name = ""
        for name, value in self._tags():
            if name.startswith("/"):
                yield from self._close(name[1:])
            elif name in _OUTER or (name in _AGGREGATES and not value.strip()):  # <CURRENCY>BRL is an element
                self._begin(name)
            elif self._open:
                self._keep(name, value)
        if self._open or not name:
            raise self._error("The file ends before its end tags." if name else "There is no OFX in the file.")

    def _begin(self, name: str) -> None:
        if name in _STATEMENTS:
            self._header, self.has_statement = {}, True
            self._sizes[0] = 0
        if name in _TRANSACTIONS:
            if self._transaction is not None or not _STATEMENTS.intersection(self._open):
                raise self._error(f"{name} stands where no transaction can be.")
            self._count += 1
            self._transaction = _Transaction(self._count, pending=name == "STMTTRNP")
            self._sizes[1] = 0
        if self._open.count(name) or len(self._open) > len(_AGGREGATES):
            raise self._error(f"{name} stands in itself.")
        self._open.append(name)

    def _close(self, name: str) -> Iterator[tuple[Values, _Transaction | None]]:
        if name not in _AGGREGATES:
            return
        if name not in self._open:
            raise self._error(f"{name} ends and has not begun.")
        inner = self._open[self._open.index(name) + 1 :]
        if _OUTER.intersection(inner):
            raise self._error(f"{name} ends within {inner[-1]}.")
        self._open = self._open[: self._open.index(name)]
        if name in _TRANSACTIONS:
            transaction, self._transaction = self._transaction, None
            yield self._header, transaction
        elif name in _STATEMENTS:
            yield self._header, None

    def _keep(self, name: str, raw: bytes) -> None:
        values = self._transaction.values if self._transaction else self._header
        place = 1 if self._transaction else 0
        self._sizes[place] += 1
        if self._sizes[place] > VALUES_MAX_COUNT:
            raise self._error(f"There are more than {VALUES_MAX_COUNT} values in one place.")
        is_shared = name in _SHARED and self._open[-1] not in _OUTER
        key = f"{self._open[-1]}/{name}" if is_shared else name
        values.setdefault(key, []).append(self._decoded(raw, name))

    def _decoded(self, raw: bytes, name: str) -> str:
        """UTF-8 where it is, whatever the header says: many banks leave CHARSET:1252 above it."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            try:
                text = raw.decode(self._charset)
            except UnicodeDecodeError as error:
                raise self._error(f"The text is neither UTF-8 nor {self._charset}.", column=name) from error
        if len(text) > TEXT_MAX_LENGTH:
            raise self._error(f"A text has more than {TEXT_MAX_LENGTH:,} characters.", column=name)
        return _ENTITY.sub(_unescaped, text).strip() if "&" in text else text.strip()

    def _tags(self) -> Iterator[tuple[str, bytes]]:
        """Each tag in upper case, "/" before an end tag, with the bytes up to the next one."""
        name, rest = "", b""
        pieces: list[bytes] = []
        for chunk in self._chunks():
            buffer = rest + chunk
            safe = _safe_end(buffer) if chunk else len(buffer)
            if not chunk and buffer.startswith((b"<![CDATA[", b"<!--")):
                raise self._error("The file ends within a comment or CDATA.")
            position = 0
            for match in _TOKEN.finditer(buffer, 0, safe):
                pieces.append(buffer[position : match.start()])
                position = match.end()
                if match["declaration"]:
                    raise self._error("The file has a DOCTYPE. No bank writes one, and it can hide entities.")
                if match["name"] is None:
                    pieces.append((match["cdata"] or b"").replace(b"&", b"&amp;"))
                    continue
                if name:
                    yield name, b"".join(pieces)
                else:
                    self._read_header(b"".join(pieces))
                name = match["end"].decode() + match["name"].decode().upper()
                if match["empty"]:
                    yield from [] if name in _AGGREGATES else [(name, b"")]
                    name = "/"  # what follows an empty element is the text of none
                pieces = []
            pieces = [b"".join([*pieces, buffer[position:safe]])]
            rest = buffer[safe:]
            if len(pieces[0]) + len(rest) > 4 * TEXT_MAX_LENGTH + CHUNK:
                raise self._error(f"There is no tag within {len(pieces[0]) + len(rest):,} bytes.")
        if name:
            yield name, b"".join(pieces)

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._stream.read(CHUNK):
            if b"\0" in chunk:
                raise self._error("The file has NUL bytes: it is no OFX text.")
            yield chunk
        yield b""

    def _read_header(self, header: bytes) -> None:
        if match := _HEADER_CHARSET.search(header):
            self._charset = f"cp{match[1].decode()}"

    def _error(self, detail: str, *, column: str = "") -> UnreadableStatementError:
        return UnreadableStatementError(detail, row=self._count or None, column=column)


def _safe_end(buffer: bytes) -> int:
    """Up to where no tag, comment or CDATA can be cut."""
    last = buffer.rfind(b"<")
    ends = [last if last != -1 else len(buffer)]
    for begin, end in ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->")):
        place = buffer.find(begin, buffer.rfind(end) + 1)
        if place != -1:
            ends.append(place)
    return min(ends)


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return _ENTITIES[match[1]]
    code = int(match[2])
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else match[0]
