"""A file becomes lines in one transaction: all of it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db.transaction import atomic

from core.models import BankAccount, Statement, StatementContent, StatementFile, StatementLine
from engine import effect_handler, perform, schedule
from engine.bulk_creation import COPY_ROWS, create_by_copy
from engine.ids import uuid7
from engine.models import Effect
from workflows.bank.accounts import resolve_account, unresolved_words
from workflows.bank.arithmetic import Arithmetic
from workflows.bank.contents import fetch_content
from workflows.bank.line_keys import Occurrences, content_key
from workflows.bank.matching import CandidateFinder
from workflows.bank.pending import keep_pending
from workflows.bank.readers import statement as read
from workflows.bank.reading import Source, read_sources

# What is read within some seconds by the workers that settle payments; a larger file waits for one that may take long.
SMALL_BYTES = 512 * 1024
LARGE_TIMEOUT = 10 * 60  # seconds
PENDING_MOST = 2000  # rows of a statement that are not booked
COLUMNS = (
    "id", "status", "statement_id", "bank_account_id", "row", "booked_on", "value_on", "amount", "currency", "text",
    "payer_name", "payer_account", "references", "bank_id", "is_return", "return_reason", "charges", "instructed",
    "details", "notes", "content_key", "occurrence", "rule", "ignored_because",
)  # fmt: skip


@effect_handler("statement.read")
def read_statement_file(file: StatementFile, effect: Effect) -> None:
    """A second run finds the file read."""
    if file.size > SMALL_BYTES:
        schedule(read_large_statement_file, key=f"statement.read_large:{file.pk}", about=file, cause=effect)
    else:
        _read(file, effect)


@effect_handler("statement.read_large", lane="slow", timeout=LARGE_TIMEOUT)
def read_large_statement_file(file: StatementFile, effect: Effect) -> None:
    """A second run finds the file read."""
    _read(file, effect)


def _read(file: StatementFile, effect: Effect) -> None:
    if file.status != StatementFile.Status.QUEUED:
        return
    content = fetch_content(file.pk)
    try:
        with atomic():
            source = _import(file, content, effect)
            perform(file.complete, cause=effect, read_as=source.format, reader_version=source.version)
    except read.UnreadableStatementError as error:
        StatementContent.objects.filter(file=file).delete()
        perform(file.refuse, cause=effect, detail=error.detail, row=error.row, column=error.column)


def _import(file: StatementFile, content: bytes, effect: Effect) -> Source:
    """Store all lines that are new. Raises UnreadableStatementError. Returns how the file was read."""
    position, sources = 0, []
    finders: dict[Any, CandidateFinder] = {}
    for source in read_sources(content, profile=file.profile, account=file.bank_account):
        sources.append(source)
        counted: dict[tuple[Any, str], Occurrences] = {}  # two parts of one file do not repeat each other's lines
        for part in source.statements:
            account = _account_of(part, file.bank_account)
            BankAccount.objects.select_for_update(no_key=True).get(pk=account.pk)  # nobody else adds lines meanwhile
            key = (account.pk, account.currency)
            occurrences = counted.setdefault(key, Occurrences(*key))
            if account.pk not in finders:
                finders[account.pk] = CandidateFinder(account)
            _Part(file, position, part, account, occurrences, finders[account.pk]).store(effect)
            position += 1
    if not position:
        raise read.UnreadableStatementError("There is no statement in this file.")
    return sources[0]


def _account_of(part: read.Statement, given: BankAccount | None) -> BankAccount:
    """The account of ours whose statement this is. Raises UnreadableStatementError."""
    account = resolve_account(part.account, part.currency, given)  # a file may hold several accounts of ours
    if account is None:
        raise read.UnreadableStatementError(unresolved_words(part.account))
    if part.currency and part.currency != account.currency:
        raise read.UnreadableStatementError(f"The statement is in {part.currency}, {account} is in {account.currency}.")
    return account


@dataclass
class _Part:
    """One statement on its way into the tables."""

    file: StatementFile
    position: int
    source: read.Statement
    account: BankAccount
    occurrences: Occurrences
    finder: CandidateFinder
    arithmetic: Arithmetic = field(default_factory=Arithmetic)
    pending: list[read.Line] = field(default_factory=list)

    def store(self, effect: Effect) -> None:
        self.id = uuid7()
        new = create_by_copy(StatementLine, COLUMNS, self._rows(), cause=effect)
        adds_up, first_break = self.arithmetic.check(self.source)
        statement = Statement.objects.create(  # after its lines: only now its sums are known
            id=self.id,
            file=self.file,
            position=self.position,
            bank_account=self.account,
            currency=self.account.currency,
            number=self.source.number[:40],
            period_start=self.source.period_start,
            period_end=self.source.period_end,
            opening=self.source.opening,
            closing=self.source.closing,
            adds_up=adds_up,
            first_break=first_break and {"row": first_break.row, "detail": first_break.detail},
            lines_total=self.arithmetic.count,
            lines_new=new,
            lines_pending=len(self.pending),
            credits=self.arithmetic.credits,
            debits=self.arithmetic.debits,
            notes=self.source.notes,
        )
        keep_pending(statement, self.pending, last_booked=self.arithmetic.last_day)

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        booked = self._booked()
        while some := list(islice(booked, COPY_ROWS)):
            keyed = [(line, content_key(line)) for line in some]
            numbered = zip(keyed, self.occurrences.number(keyed), strict=True)
            new = [(line, key, occurrence) for (line, key), occurrence in numbered if occurrence is not None]
            has_candidates = self.finder.have_any([line for line, _, _ in new])
            for (line, key, occurrence), is_suggested in zip(new, has_candidates, strict=True):
                status = StatementLine.Status.SUGGESTED if is_suggested else StatementLine.Status.OPEN
                yield self._row(line, key, occurrence, status)

    def _booked(self) -> Iterator[read.Line]:
        for line in self.source.lines:
            if not line.pending:
                self.arithmetic.add(line)
                yield line
                continue
            self.arithmetic.add_pending(line)
            if len(self.pending) < PENDING_MOST:
                self.pending.append(line)

    def _row(self, line: read.Line, key: bytes, occurrence: int, status: StatementLine.Status) -> tuple[Any, ...]:
        instructed = line.instructed and {"amount": str(line.instructed[0]), "currency": line.instructed[1]}
        return (
            uuid7(), status.value, self.id, self.account.pk, line.row, line.booked_on,
            line.value_on, line.amount, self.account.currency, line.text, line.payer_name[:200],
            line.payer_account[:40], [reference[:200] for reference in line.references], line.bank_id[:100],
            line.is_return, line.return_reason[:100], line.charges, instructed and json.dumps(instructed),
            json.dumps([_detail(detail) for detail in line.details]), json.dumps(line.notes), key, occurrence, "", "",
        )  # fmt: skip


def _detail(detail: read.Detail) -> dict[str, Any]:
    return {
        "amount": None if detail.amount is None else f"{detail.amount:f}",
        "text": detail.text,
        "payer_name": detail.payer_name,
        "payer_account": detail.payer_account,
        "references": list(detail.references),
        "bank_id": detail.bank_id,
        "is_return": detail.is_return,
        "return_reason": detail.return_reason,
    }
