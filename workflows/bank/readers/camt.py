"""CAMT.052, .053 and .054 of ISO 20022, versions .01 to .13, by local names: where they differ, both ways are read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import BinaryIO

from workflows.bank.readers.statement import (
    TEXT_MAX_LENGTH,
    AccountIdentifier,
    Detail,
    Line,
    Statement,
    UnreadableStatementError,
    calendar_day,
    parse_amount,
)
from workflows.bank.readers.xml_records import Record, first, parts, stream_records, texts

NAME = "CAMT"
VERSION = "2"

# .01 has the version in the name of the message, and TxDtls outside NtryDtls.
_MESSAGES = re.compile(r"BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)(?:V01)?")
_STATEMENTS = frozenset({"Stmt", "Rpt", "Ntfctn"})
_NESTED = frozenset({"Bal", "TxDtls", "Strd", "Chrgs", "Rcrd"})
_SNIFFED = re.compile(rb"<(?:[\w.-]+:)?BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)(?:V01)?[\s>]")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T+Z-].*)?", re.ASCII)
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NONREF"})
_REFERENCES = tuple(
    f"Refs/{name}"
    for name in "EndToEndId UETR InstrId TxId ClrSysRef ChqNb PmtInfId MsgId MndtId Prtry/Ref".split()  # noqa: SIM905
)
_SIGNS = {"CRDT": 1, "DBIT": -1}


def sniff(head: bytes) -> bool:
    return bool(_SNIFFED.search(head.replace(b"\0", b"")))  # UTF-16 of ASCII is ASCII and NUL


def read(stream: BinaryIO) -> Iterator[Statement]:
    events = stream_records(stream, outer=_is_statement, repeated="Ntry", nested=_NESTED)
    count = _Count()
    for header, entry in events:
        count.statements += 1
        statement = _statement(header)
        statement.lines = lines = _lines(statement, header, entry, events, count)
        yield statement
        for _ in lines:  # what the caller left
            pass
    if not count.statements:
        raise UnreadableStatementError("The file has no statement, report or notification.")


@dataclass(slots=True)
class _Count:
    statements: int = 0
    entries: int = 0


def _is_statement(name: str, parent: str) -> bool:
    return name in _STATEMENTS and bool(_MESSAGES.fullmatch(parent))


def _statement(header: Record) -> Statement:
    bank = first(header, *(f"Acct/Svcr/FinInstnId/{name}" for name in ("BIC", "BICFI", "ClrSysMmbId/MmbId")))
    iban, other = first(header, "Acct/Id/IBAN"), first(header, *_other_accounts("Acct"))
    statement = Statement(
        lines=iter(()),
        account=AccountIdentifier(iban=_plain(iban), bank=bank) if iban else AccountIdentifier.of(other, bank=bank),
        currency=first(header, "Acct/Ccy"),
        number=first(header, "ElctrncSeqNb", "LglSeqNb", "Id"),
    )
    _add_header(statement, header)
    return statement


def _other_accounts(account: str) -> tuple[str, ...]:
    return tuple(f"{account}/Id/{name}" for name in ("Othr/Id", "BBAN", "UPIC", "PrtryAcct/Id"))


# Names and accounts. A name stands in Pty, or is a bank's, from .08.
_PARTY_PATHS = {
    role: (
        tuple(f"RltdPties/{role}/{path}" for path in ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")),
        (f"RltdPties/{role}Acct/Id/IBAN", *_other_accounts(f"RltdPties/{role}Acct")),
    )
    for role in ("Dbtr", "Cdtr")
}
_BATCH_REFERENCES = ("NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId", "Btch/PmtInfId", "Btch/MsgId", "NtryRef")


def _add_header(statement: Statement, header: Record) -> None:
    """What the statement says of itself; again at its end, for what stood after the entries."""
    balances = [_balance(record) for record in parts(header, "Bal")]
    booked = [balance for balance in balances if balance.code in _BOOKED]
    if not statement.currency and booked:
        statement.currency = min(booked, key=lambda balance: _BOOKED.index(balance.code)).currency
    opening = _chosen(booked, "OPBD", statement.currency) or _chosen(booked, "PRCD", statement.currency)
    closing = _chosen(booked[::-1], "CLBD", statement.currency, latest=True)
    statement.opening = opening.amount if opening else None
    statement.closing = closing.amount if closing else None
    statement.notes = [
        f"The {name} balance is written in {balance.currency}, the account is in {statement.currency}."
        for name, balance in (("opening", opening), ("closing", closing))
        if balance and balance.currency != statement.currency
    ]
    # FrToDt is optional; the days of the balances say the same.
    statement.period_start = _date_as_written(first(header, "FrToDt/FrDtTm", "FrToDt/FrDt")) or _first_day(opening)
    statement.period_end = _date_as_written(first(header, "FrToDt/ToDtTm", "FrToDt/ToDt")) or _last_day(closing)
    if count := first(header, "TxsSummry/TtlNtries/NbOfNtries"):
        statement.declared_lines = _whole_number(count, "NbOfNtries")
    statement.declared_credits = _declared(header, "TtlCdtNtries", statement.currency)
    statement.declared_debits = _declared(header, "TtlDbtNtries", statement.currency)


def _first_day(opening: _Balance | None) -> date | None:
    if opening is None or opening.day is None or opening.code != "PRCD":
        return opening.day if opening else None
    return min(opening.day, date.max - timedelta(days=1)) + timedelta(days=1)  # closed on the day before


def _last_day(closing: _Balance | None) -> date | None:
    return closing.day if closing else None


def _declared(header: Record, name: str, currency: str) -> Decimal | None:
    text = first(header, f"TxsSummry/{name}/Sum")
    # The sum of debits has a minus at some banks.
    return abs(parse_amount(text, currency=currency, column=name)) if text else None


@dataclass(frozen=True, slots=True)
class _Balance:
    code: str
    amount: Decimal
    currency: str
    day: date | None
    is_interim: bool  # of one page of a statement


# In the order in which they tell the currency of an account that has none of its own.
_BOOKED = ("OPBD", "PRCD", "CLBD")


def _balance(record: Record) -> _Balance:
    code = first(record, "Tp/CdOrPrtry/Cd", "Tp/Cd")
    currency = first(record, "Amt@Ccy")
    if code not in _BOOKED:
        return _Balance(code, Decimal(), currency, None, is_interim=False)
    amount = _positive(record, "Amt", column="Bal")
    if amount and _sign(record, column="Bal") < 0:
        amount = -amount
    day = _date_as_written(first(record, "Dt/Dt", "Dt/DtTm", "Dt"))
    return _Balance(code, amount, currency, day, is_interim=first(record, "Tp/SubTp/Cd") == "INTM")


def _chosen(balances: list[_Balance], code: str, currency: str, *, latest: bool = False) -> _Balance | None:
    """The balance of this part of the statement: of its page, of its first or last day."""
    found = [balance for balance in balances if balance.code == code]
    found = [balance for balance in found if balance.currency == currency] or found
    found = [balance for balance in found if balance.is_interim] or found
    days = [balance.day for balance in found if balance.day]
    if len(days) == len(found) and days:
        edge = max(days) if latest else min(days)
        found = [balance for balance in found if balance.day == edge]
    return found[0] if found else None


def _lines(
    statement: Statement,
    header: Record,
    entry: Record | None,
    events: Iterator[tuple[Record, Record | None]],
    count: _Count,
) -> Iterator[Line]:
    while entry is not None:
        count.entries += 1
        line = _Entry(entry, count.entries, statement, header).line()
        if line is not None:
            yield line
        header, entry = next(events)  # the end of a statement always comes, or an error
    left_out, statement.notes = statement.notes, []
    _add_header(statement, header)
    statement.notes += [note for note in left_out if note not in statement.notes]


class _Entry:
    """One Ntry, with what its statement says of it."""

    def __init__(self, entry: Record, row: int, statement: Statement, header: Record) -> None:
        self._entry, self._row, self._statement, self._header = entry, row, statement, header
        self._notes: list[str] = []

    def line(self) -> Line | None:
        """None for what is neither booked nor pending, with a note at the statement."""
        status, currency = self._status(), first(self._entry, "Amt@Ccy")
        amount = _signed(self._entry, row=self._row)
        if status == "INFO":
            self._note_left_out("it is information only.")
            return None
        self._statement.currency = self._statement.currency or currency
        if currency != self._statement.currency:
            detail = f"The entry is in {currency[:10]}, the account in {self._statement.currency}."
            if status == "BOOK":
                raise UnreadableStatementError(detail, row=self._row, column="Amt")
            self._note_left_out(f"it is pending. {detail}")
            return None
        return self._line(amount, pending=status != "BOOK")

    def _note_left_out(self, why: str) -> None:
        self._statement.notes.append(f"Entry {self._row} is left out: {why}")

    def _line(self, amount: Decimal, *, pending: bool) -> Line:
        transactions = parts(self._entry, "NtryDtls/TxDtls", "TxDtls")
        details = [self._detail(transaction) for transaction in transactions]
        is_single = len(details) == 1 and self._batch_size() in (0, 1)
        only, detail = (transactions[0], details[0]) if is_single else ({}, Detail(None))
        if not is_single and self._batch_size() != len(details) and (details or self._batch_size() > 1):
            self._notes.append(f"A batch of {self._batch_size()} payments, {len(details)} of them are in the file.")
        if detail.amount is not None and detail.amount != amount:
            self._notes.append(f"The transaction inside is of {detail.amount}.")
        return Line(
            row=self._row,
            booked_on=self._booked_on(),
            amount=amount,
            value_on=self._day("ValDt") if self._has_day("ValDt") else None,
            text=self._text([*detail.text.split("\n"), *texts(self._entry, "AddtlNtryInf")]),
            payer_name=detail.payer_name,
            payer_account=detail.payer_account,
            references=_distinct([*detail.references, *self._entry_references()]),
            bank_id=first(self._entry, "AcctSvcrRef") or detail.bank_id,
            pending=pending,
            is_return=self._is_reversal() or (bool(details) and all(one.is_return for one in details)),
            return_reason=next((one.return_reason for one in details if one.return_reason), ""),
            charges=self._charges(self._entry) or self._charges(only),
            instructed=self._instructed(self._entry, amount) or self._instructed(only, amount),
            details=() if is_single else tuple(details),
            notes=tuple(self._notes),
        )

    def _text(self, lines: list[str]) -> str:
        text = "\n".join(_distinct(lines))
        if len(text) > TEXT_MAX_LENGTH:
            raise UnreadableStatementError(f"The text has more than {TEXT_MAX_LENGTH:,} characters.", row=self._row)
        return text

    def _status(self) -> str:
        """BOOK, PDNG, FUTR or INFO: a text up to .07, a code of its own from .08."""
        status = first(self._entry, "Sts", "Sts/Cd")
        if status in ("BOOK", "PDNG", "FUTR", "INFO"):
            return status
        raise UnreadableStatementError(
            f"The status {(status or first(self._entry, 'Sts/Prtry'))[:40]!r} is none of BOOK, PDNG, FUTR, INFO.",
            row=self._row,
            column="Sts",
        )

    def _booked_on(self) -> date:
        if self._has_day("BookgDt"):
            return self._day("BookgDt")
        if self._has_day("ValDt"):
            self._notes.append("The entry has no booking day: its value day stands for it.")
            return self._day("ValDt")
        created = _date_as_written(first(self._header, "CreDtTm"))
        # A notification is written when the money moves; a statement, which has balances, may reach over months.
        if created is None or parts(self._header, "Bal"):
            raise UnreadableStatementError("The entry has no day.", row=self._row, column="BookgDt")
        self._notes.append("The entry has no day: the day of the bank's message stands for it.")
        return created

    def _has_day(self, name: str) -> bool:
        return bool(first(self._entry, f"{name}/Dt", f"{name}/DtTm"))

    def _day(self, name: str) -> date:
        text = first(self._entry, f"{name}/Dt", f"{name}/DtTm")
        match = _DAY.fullmatch(text)
        if match is None:
            raise UnreadableStatementError(f"{text[:40]!r} is not a day.", row=self._row, column=name)
        year, month, day = (int(part) for part in match.groups())
        result, note = calendar_day(year, month, day, row=self._row, column=name)
        if note and note not in self._notes:
            self._notes.append(note)
        return result

    def _is_reversal(self) -> bool:
        return first(self._entry, "RvslInd") in ("true", "1")

    def _batch_size(self) -> int:
        sizes = [*texts(self._entry, "NtryDtls/Btch/NbOfTxs"), *texts(self._entry, "Btch/NbOfTxs")]
        return sum(_whole_number(size, "NbOfTxs", row=self._row) for size in sizes)

    def _entry_references(self) -> list[str]:
        return [value for path in _BATCH_REFERENCES for value in texts(self._entry, path)]

    def _detail(self, transaction: Record) -> Detail:
        is_return = any(path.startswith("RtrInf/") for path in transaction)
        party, beyond = self._other_side(transaction, reversed_roles=is_return or self._is_reversal())
        name, account = party
        references = _references(transaction)
        structured = [line for strd in parts(transaction, "RmtInf/Strd") for line in _structured(strd)]
        return Detail(
            amount=self._detail_amount(transaction),
            text=self._text(
                [
                    *texts(transaction, "RmtInf/Ustrd"),
                    *structured,
                    *(value for path in _FURTHER_TEXT for value in texts(transaction, path)),
                    beyond,
                    *[value for value in texts(transaction, "Refs/EndToEndId") if value.upper() not in _NO_REFERENCE],
                ]
            ),
            payer_name=name or beyond,
            payer_account=account,
            references=references,
            bank_id=first(transaction, "Refs/AcctSvcrRef"),
            is_return=is_return or self._is_reversal(),
            return_reason=first(transaction, *_RETURN_REASONS),
        )

    def _detail_amount(self, transaction: Record) -> Decimal | None:
        """In the account's currency; never the instructed amount, nor one of another currency."""
        path = "Amt" if "Amt" in transaction else "AmtDtls/TxAmt/Amt"
        if first(transaction, f"{path}@Ccy") != self._statement.currency:
            return None
        amount = _positive(transaction, path, row=self._row, column="TxDtls/Amt")
        sign = _sign(transaction if "CdtDbtInd" in transaction else self._entry, row=self._row)
        return -amount if sign < 0 and amount else amount

    def _other_side(self, transaction: Record, *, reversed_roles: bool) -> tuple[tuple[str, str], str]:
        """Name and account of the other side, and the name of whom it acts for."""
        debtor, creditor = _party(transaction, "Dbtr"), _party(transaction, "Cdtr")
        own = self._statement.account.iban or self._statement.account.number
        # A return keeps the roles of the payment that comes back.
        is_debtor = (_sign(self._entry, row=self._row) > 0) != reversed_roles
        if own and own in (debtor[1], creditor[1]) and debtor[1] != creditor[1]:
            is_debtor = creditor[1] == own
        elif reversed_roles and not any(debtor if is_debtor else creditor):
            is_debtor = not is_debtor
        role = "UltmtDbtr" if is_debtor else "UltmtCdtr"
        chosen = debtor if is_debtor else creditor
        ultimate = first(transaction, f"RltdPties/{role}/Nm", f"RltdPties/{role}/Pty/Nm")
        return chosen, ultimate if ultimate != chosen[0] else ""

    def _charges(self, record: Record) -> Decimal | None:
        """What was taken off the amount, as far as it is in the account's currency; several records make a sum."""
        total = Decimal()
        for charges in parts(record, "Chrgs"):
            singles = parts(charges, "Rcrd") or ([charges] if "Amt" in charges else [])
            for single in singles:
                # Charges that are not in the amount are booked by an entry of their own.
                if first(single, "ChrgInclInd") not in ("false", "0"):
                    sign = -1 if first(single, "CdtDbtInd") == "CRDT" else 1
                    total += sign * self._charge(single, "Amt")
            if not singles:
                total += self._charge(charges, "TtlChrgsAndTaxAmt")
        return total if total > 0 else None

    def _charge(self, record: Record, path: str) -> Decimal:
        amount, currency = _information(record, path) or (Decimal(), "")
        if amount and currency != self._statement.currency:
            self._notes.append(f"Charges of {amount} {currency}.")
            return Decimal()
        return amount

    def _instructed(self, record: Record, amount: Decimal) -> tuple[Decimal, str] | None:
        sent = _information(record, "AmtDtls/InstdAmt/Amt")
        return sent if sent and sent != (abs(amount), self._statement.currency) else None


_FURTHER_TEXT = ("RtrInf/AddtlInf", "RtrInf/AddtlRtrRsnInf", "AddtlTxInf")
_RETURN_REASONS = tuple(f"RtrInf/{name}/{kind}" for name in ("Rsn", "RtrRsn") for kind in ("Cd", "Prtry"))


def _references(transaction: Record) -> tuple[str, ...]:
    structured = [value for strd in parts(transaction, "RmtInf/Strd") for value in _numbers(strd)]
    given = [value for path in _REFERENCES for value in texts(transaction, path)]
    return _distinct([*structured, *(value for value in given if value.upper() not in _NO_REFERENCE)])


def _numbers(strd: Record) -> list[str]:
    paths = ("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef", "RfrdDocInf/Nb", "RfrdDocInf/RfrdDocNb")
    return [value for path in paths for value in texts(strd, path)]


def _structured(strd: Record) -> list[str]:
    """Each reference with its kind before it, and what stands beside."""
    kind = first(strd, *(f"CdtrRefInf/{path}" for path in ("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry", "CdtrRefTp/Cd")))
    numbers = _numbers(strd)
    return [*(f"{kind} {number}".strip() for number in numbers), *texts(strd, "AddtlRmtInf")]


def _party(transaction: Record, role: str) -> tuple[str, str]:
    names, accounts = _PARTY_PATHS[role]
    return first(transaction, *names), _plain(first(transaction, *accounts))


def _signed(record: Record, *, row: int) -> Decimal:
    amount = _positive(record, "Amt", row=row, column="Amt")
    return -amount if _sign(record, row=row) < 0 and amount else amount


def _positive(record: Record, path: str, *, row: int | None = None, column: str) -> Decimal:
    found, currency = texts(record, path), first(record, f"{path}@Ccy")
    if len(found) != 1 or not currency:
        raise UnreadableStatementError("There is not one amount with its currency.", row=row, column=column)
    amount = parse_amount(found[0], currency=currency, row=row, column=column)
    if amount.is_signed():  # CdtDbtInd is the sign
        raise UnreadableStatementError(f"The amount {amount} has a sign of its own.", row=row, column=column)
    return amount


def _sign(record: Record, *, row: int | None = None, column: str = "CdtDbtInd") -> int:
    found = texts(record, "CdtDbtInd")
    if len(found) != 1 or found[0] not in _SIGNS:
        raise UnreadableStatementError("CdtDbtInd is neither CRDT nor DBIT.", row=row, column=column)
    return _SIGNS[found[0]]


def _information(record: Record, path: str) -> tuple[Decimal, str] | None:
    """An amount that is only shown: one that cannot be read refuses no file."""
    if path not in record:
        return None
    currency = first(record, f"{path}@Ccy")
    try:
        amount = parse_amount(first(record, path), currency=currency)
    except UnreadableStatementError:
        return None
    return (amount, currency) if amount > 0 and currency else None


def _whole_number(text: str, column: str, *, row: int | None = None) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise UnreadableStatementError(f"{text[:40]!r} is not a count.", row=row, column=column)
    return int(text)


def _date_as_written(text: str) -> date | None:
    """The day of a date or of a date and time, whatever its time zone; None where there is none."""
    match = _DAY.fullmatch(text)
    return calendar_day(*(int(part) for part in match.groups()))[0] if match else None


def _plain(account: str) -> str:
    return "".join(account.split()).upper()


def _distinct(values: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
