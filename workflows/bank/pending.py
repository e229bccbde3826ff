"""What a bank announces, until it is booked or the bank's next report leaves it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from core.models import PendingLine, Statement, StatementLine
from workflows.bank.line_keys import folded
from workflows.bank.readers.statement import Line

BOOKED_WITHIN = timedelta(days=7)  # of the day that was announced
SAME_ID_WITHIN = timedelta(days=31)  # a bank's ids come again, but not so soon


def keep_pending(statement: Statement, announced: Sequence[Line], *, last_booked: date | None) -> None:
    """After the booked lines of a statement are stored: what its account still waits for.

    A report with announced lines replaces those of earlier files. last_booked: the newest day that is booked in it.
    """
    earlier = PendingLine.objects.filter(bank_account=statement.bank_account)
    other_files = earlier.exclude(statement__file=statement.file)
    if announced:
        other_files.delete()
    elif last_booked is not None:
        other_files.filter(booked_on__lt=last_booked - BOOKED_WITHIN).delete()
    PendingLine.objects.bulk_create(_pending_line(statement, line) for line in announced)
    waiting = list(earlier.order_by("booked_on", "id"))
    PendingLine.objects.filter(pk__in=_booked(waiting)).delete()


def _pending_line(statement: Statement, line: Line) -> PendingLine:
    return PendingLine(
        bank_account=statement.bank_account,
        statement=statement,
        booked_on=line.booked_on,
        amount=line.amount,
        currency=statement.currency,
        payer_name=line.payer_name[:200],
        text=line.text,
        bank_id=line.bank_id[:100],
    )


def _booked(waiting: Sequence[PendingLine]) -> set[UUID]:
    """Those that a later statement books; each of its lines stands for one of two equal ones."""
    found: set[UUID] = set()
    used: set[UUID] = set()
    near = _lines_near(waiting) if waiting else []
    for keys_of in (_ids, _words):  # ids first, so that no other line takes their place
        lines: dict[Any, list[StatementLine]] = defaultdict(list)
        for line in near:
            for key in keys_of(line):
                lines[key].append(line)
        for pending in waiting:
            same = [line for key in keys_of(pending) for line in lines[key] if line.pk not in used]
            if keys_of is _ids and len(same) > 1:
                continue  # an id that many lines have is none
            later = [line for line in same if _books(line, pending, by_id=keys_of is _ids)]
            if later and pending.pk not in found:
                used.add(later[0].pk)
                found.add(pending.pk)
    return found


def _lines_near(waiting: Sequence[PendingLine]) -> list[StatementLine]:
    days = [line.booked_on for line in waiting]
    same = Q(amount__in={line.amount for line in waiting}) | Q(bank_id__in={line.bank_id for line in waiting} - {""})
    found = StatementLine.objects.filter(
        same,
        bank_account=waiting[0].bank_account_id,
        booked_on__gte=min(days) - BOOKED_WITHIN,
        booked_on__lte=max(days) + SAME_ID_WITHIN,
    )
    columns = ("booked_on", "amount", "text", "payer_name", "bank_id", "statement")
    return list(found.order_by("booked_on", "id").only(*columns))


def _ids(line: PendingLine | StatementLine) -> list[Any]:
    return [(line.bank_id, line.amount > 0)] if line.bank_id else []


def _words(line: PendingLine | StatementLine) -> list[Any]:
    return [(line.amount, folded(line.text or line.payer_name))]


def _books(line: StatementLine, pending: PendingLine, *, by_id: bool) -> bool:
    """Statements have ids by time: what was booked before the announcement was another line."""
    apart = abs(line.booked_on - pending.booked_on)
    return line.statement_id > pending.statement_id and apart <= (SAME_ID_WITHIN if by_id else BOOKED_WITHIN)
