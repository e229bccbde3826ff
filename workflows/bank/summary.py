"""A file and its statements in figures, for the API and the command alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.models import Statement, StatementFile
from core.money import money_text
from engine.models import Effect

READS = ("statement.read", "statement.read_large")
READING = "reading"
# Of a file with several statements these are null where they differ.
SHARED = (
    "bank_account", "currency", "period_start", "period_end", "opening_balance", "closing_balance", "adds_up",
    "first_break", "lines", "credits", "debits",
)  # fmt: skip


def summary(file: StatementFile) -> dict[str, Any]:
    parts = [_part(statement) for statement in sorted(file.parts.all(), key=lambda part: part.position)]
    return {
        "id": str(file.pk),
        "status": READING if _is_under_way(file) else str(file.status),
        "sha256": file.sha256,
        "name": file.name,
        "size": file.size,
        "format": file.format,
        "reader": file.format,
        "reader_version": file.reader_version,
        **{name: _same([part[name] for part in parts]) for name in SHARED},
        "error": file.error,
        "parts": parts,
        "created_at": file.created_at,
    }


def _part(statement: Statement) -> dict[str, Any]:
    def money(amount: Decimal | None) -> str | None:
        return None if amount is None else money_text(amount, statement.currency)

    return {
        "id": str(statement.pk),
        "bank_account": str(statement.bank_account_id),
        "currency": statement.currency,
        "number": statement.number,
        "period_start": statement.period_start,
        "period_end": statement.period_end,
        "opening_balance": money(statement.opening),
        "closing_balance": money(statement.closing),
        "adds_up": statement.adds_up,
        "first_break": statement.first_break,
        "lines": {
            "total": statement.lines_total,
            "new": statement.lines_new,
            "known": statement.lines_known,
            "pending": statement.lines_pending,
        },
        "credits": money(statement.credits),
        "debits": money(statement.debits),
        "notes": statement.notes,
    }


def _is_under_way(file: StatementFile) -> bool:
    if file.status != StatementFile.Status.QUEUED:
        return False
    effects = Effect.objects.filter(machine="statementfile", object_id=file.pk, kind__in=READS)
    return effects.filter(state=Effect.State.LEASED).exists()


def _same(values: list[Any]) -> Any:
    return values[0] if values and all(value == values[0] for value in values) else None
