"""Whether each statement of an account begins where the one before ended. What does not is said, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models import Max, Min, Prefetch, Q, QuerySet, prefetch_related_objects

from core.models import BankAccount, Statement, StatementFile
from workflows.bank.coverage import DAY, first_day

GAP, OVERLAP = "gap", "overlap"
KINDS = (GAP, OVERLAP)
STATEMENTS_MOST = 100  # newest ones of an account that are compared
BREAKS_MOST = 10  # newest ones that are told


@dataclass(frozen=True)
class Break:
    """Between two statements of an account."""

    kind: str
    before: Statement
    after: Statement

    @property
    def currency(self) -> str:
        return self.after.currency

    @property
    def closes_on(self) -> date:
        return _days(self.before)[1]

    @property
    def closing_balance(self) -> Decimal | None:
        return self.before.closing

    @property
    def opens_on(self) -> date:
        return _days(self.after)[0]

    @property
    def opening_balance(self) -> Decimal | None:
        return self.after.opening

    @property
    def missing(self) -> Decimal | None:
        """What the lines between would add up to; None where a balance is not known."""
        if self.before.closing is None or self.after.opening is None:
            return None
        return self.after.opening - self.before.closing


def find_breaks(statements: Iterable[Statement]) -> list[Break]:
    """Of one account, oldest first. Statements need their `file`; those without days are left out."""
    found: list[Break] = []
    last: Statement | None = None
    for statement in sorted(filter(_has_days, statements), key=_place):
        if last is not None and (kind := _kind(last, statement)):
            found.append(Break(kind, last, statement))
        if last is None or _days(statement)[1] >= _days(last)[1]:
            last = statement
    return found


def breaks_of(accounts: Sequence[BankAccount]) -> dict[UUID, list[Break]]:
    """Newest first. One query for all accounts."""
    newest = _dated().order_by("-period_end", "-id")[:STATEMENTS_MOST]
    prefetch_related_objects(list(accounts), Prefetch("statements", newest, to_attr="dated_statements"))
    dated = {account.pk: getattr(account, "dated_statements") for account in accounts}  # noqa: B009 - of the prefetch
    return {key: find_breaks(statements)[: -BREAKS_MOST - 1 : -1] for key, statements in dated.items()}


def breaks_around(file: StatementFile) -> dict[UUID, list[Break]]:
    """By statement of the file: where it does not follow, or is not followed. One query for each account."""
    by_account = file.parts.values("bank_account").annotate(first=Min("period_start"), last=Max("period_end"))
    found: dict[UUID, list[Break]] = {}
    for account, first, last in by_account.order_by("bank_account").values_list("bank_account", "first", "last"):
        for each in find_breaks(_around(account, first, last)) if first and last else ():
            for statement in (each.before, each.after):
                if statement.file_id == file.pk:
                    found.setdefault(statement.pk, []).append(each)
    return found


def _around(account: UUID, first: date, last: date) -> QuerySet[Statement]:
    """Those of these days, and the nearest on each side."""
    own = _dated().filter(bank_account=account)
    before = own.filter(period_end__lt=first).order_by("-period_end", "-id").values("pk")[:1]
    after = own.filter(period_start__gt=last).order_by("period_start", "id").values("pk")[:1]
    of_these_days = Q(period_end__gte=first, period_start__lte=last)
    return own.filter(of_these_days | Q(pk__in=before) | Q(pk__in=after)).order_by("-period_end")[:STATEMENTS_MOST]


def _dated() -> QuerySet[Statement]:
    return Statement.objects.filter(period_start__isnull=False, period_end__isnull=False).select_related("file")


def _has_days(statement: Statement) -> bool:
    first, last = statement.period_start, statement.period_end
    return first is not None and last is not None and first <= last


def _days(statement: Statement) -> tuple[date, date]:
    first, last = statement.period_start, statement.period_end
    assert first is not None
    assert last is not None
    return first_day(first, last, read_as=statement.file.format), last


def _place(statement: Statement) -> tuple[date, date, UUID]:
    return *_days(statement), statement.pk


def _kind(before: Statement, after: Statement) -> str:
    """Empty where nothing is to be said."""
    begins, ended = _days(after)[0], _days(before)[1]
    balances = before.closing, after.opening
    if None not in balances and before.closing == after.opening:
        return ""
    if _days(before) == _days(after) and (before.opening, before.closing) == (after.opening, after.closing):
        return ""  # the same once more, perhaps in another format
    if begins <= ended:
        return OVERLAP
    return GAP if None not in balances or begins > ended + DAY else ""
