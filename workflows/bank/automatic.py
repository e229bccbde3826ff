"""Sure matches that nobody looks at: off until an operator switches it on for an account."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

from django.db.models import F
from django.db.transaction import atomic

from core.models import Invoice, Payment, Refund, StatementFile, StatementLine
from core.problems import Problem
from engine import effect_handler, schedule
from engine.models import Effect
from workflows.bank.matches import Part, match_line
from workflows.bank.matching import ORDER, Candidate, CandidateFinder
from workflows.bank.refund_lines import REFUND_RULE, named_refunds, settle_refunds
from workflows.bank.service_users import matching_user
from workflows.settlement.locking import lock_account

log = logging.getLogger(__name__)

LINES_AT_ONCE = 100  # lines, for which candidates are looked up together
SECONDS = 5.0  # after which the next effect goes on


@effect_handler("statement.match")
def match_file(file: StatementFile, effect: Effect) -> None:
    """Match the sure lines of a file that adds up, and the refunds that it names. A second run finds them matched.

    A line that a person decides meanwhile, or whose payment they decide, is left to them.
    """
    ends = time.monotonic() + SECONDS
    after = UUID(effect.payload["after"]) if effect.payload else None
    if after is None:
        _settle_refunds(file)
    lines = _eligible(file, after)
    while some := list(islice(lines, LINES_AT_ONCE)):
        _match(some)
        if time.monotonic() > ends:
            last = some[-1].pk
            schedule(
                match_file,
                key=f"statement.match:{file.pk}:{last}",
                about=file,
                cause=effect,
                payload={"after": str(last)},
            )
            return


def _settle_refunds(file: StatementFile) -> None:
    if not Refund.objects.awaiting_line().exists():
        return
    out = StatementLine.objects.filter(
        statement__file=file,
        statement__adds_up=True,
        bank_account__is_automatic=True,
        bank_account__automatic_limit__gte=-F("amount"),
        status__in=StatementLine.UNDECIDED,
        amount__lt=0,
        is_return=False,
    )
    for line in out.select_related("bank_account").order_by("pk").iterator(LINES_AT_ONCE):
        if refunds := named_refunds(line):
            try:
                settle_refunds(line, refunds, by=matching_user(), rule=REFUND_RULE)
            except Problem as problem:
                log.info("line %s is left to a person: %s", line.pk, problem)


def _eligible(file: StatementFile, after: UUID | None) -> Iterator[StatementLine]:
    """Of accounts that are automatic: what adds up, within the limit, undecided, in the order of the file."""
    lines = StatementLine.objects.filter(
        statement__file=file,
        statement__adds_up=True,
        bank_account__is_automatic=True,
        bank_account__automatic_limit__isnull=False,
        status=StatementLine.Status.SUGGESTED,
        amount__gt=0,
        amount__lte=F("bank_account__automatic_limit"),
        is_return=False,
    )
    if after is not None:
        lines = lines.filter(pk__gt=after)
    return lines.select_related("bank_account").order_by("pk").iterator(LINES_AT_ONCE)


def _match(lines: list[StatementLine]) -> None:
    user, paid = matching_user(), set[UUID]()
    by_account: dict[UUID, list[StatementLine]] = {}
    for line in lines:
        by_account.setdefault(line.bank_account_id, []).append(line)
    for some in by_account.values():
        finder = CandidateFinder(some[0].bank_account)
        for line, found in zip(some, finder.find(some), strict=True):
            sure = [candidate for candidate in found if candidate.rule]
            if len(sure) != 1 and not _are_together(sure):
                continue
            if any(candidate.invoice.pk in paid for candidate in sure):  # of two lines for one the second is looked at
                continue
            paid.update(candidate.invoice.pk for candidate in sure)
            try:
                with atomic():
                    if _are_unpaid(sure):
                        match_line(line, _parts(line, sure), by=user, rule=sure[0].rule, reasons=_reasons(sure))
            except Problem as problem:
                log.info("line %s is left to a person: %s", line.pk, problem)


def _are_together(sure: list[Candidate]) -> bool:
    return bool(sure) and all(candidate.is_together for candidate in sure)


def _parts(line: StatementLine, sure: list[Candidate]) -> list[Part]:
    return [
        Part(
            candidate.amount if candidate.is_together else line.amount,
            candidate.claim,
            None if candidate.claim else candidate.invoice,
        )
        for candidate in sure
    ]


def _reasons(sure: list[Candidate]) -> list[str]:
    """Of all of them."""
    return [word for word in ORDER if any(word in candidate.reasons for candidate in sure)]


def _are_unpaid(sure: list[Candidate]) -> bool:
    """Locks accounts in an order that all keep."""
    return all(_is_unpaid(candidate) for candidate in sorted(sure, key=lambda each: each.account_id))


def _is_unpaid(candidate: Candidate) -> bool:
    """Locks the account: of two files with money for one invoice the second sees the payment of the first."""
    lock_account(candidate.invoice.account)
    invoice = Invoice.objects.get(pk=candidate.invoice.pk)
    approved = Payment.objects.filter(invoice=invoice, status=Payment.Status.APPROVED)
    return invoice.outstanding == candidate.invoice.outstanding and not approved.exists()
