"""A refund is settled by the bank line that shows its money leaving."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db.transaction import atomic

from core.models import Refund, StatementLine, User
from core.money import money_text
from core.problems import ValidationError
from engine import Step, perform, perform_many
from workflows.bank.clues import find_clues, fold_account

MOST = 5
REFUND_RULE = "refund by its reference"


def find_refunds(line: StatementLine) -> list[Refund]:
    """Sent or approved ones that this line may show, those that it names first; none for money that came in."""
    if line.amount >= 0:
        return []
    waiting = Refund.objects.awaiting_line().filter(currency=line.currency, amount__lte=-line.amount)
    named = _references(line)
    account = fold_account(line.payer_account)
    found = [
        refund
        for refund in waiting.select_related("account", "bank_account").order_by("pk")[:500]
        if refund.reference in named
        or (refund.amount == -line.amount and (not account or account == fold_account(refund.payee_account or "")))
    ]
    return sorted(found, key=lambda one: (one.reference not in named, one.amount != -line.amount, one.pk))[:MOST]


def named_refunds(line: StatementLine) -> list[Refund]:
    """Those whose references the line carries, if their amounts are the line's; else none."""
    if line.amount >= 0 or not (named := _references(line)):
        return []
    refunds = Refund.objects.awaiting_line().filter(reference__in=named, currency=line.currency)
    found = list(refunds.order_by("pk"))
    return found if found and sum(one.amount for one in found) == -line.amount else []


def settle_refunds(line: StatementLine, refunds: Sequence[Refund], *, by: User, rule: str = "") -> StatementLine:
    """Say that this line shows these refunds; approved ones are sent by it.

    Raises PermissionDenied; ValidationError for a line of money in, another currency, or less than the refunds.
    WrongState for a line or a refund that was decided meanwhile.
    """
    if line.amount >= 0:
        raise ValidationError({"refunds": ["This line brought money: it pays no refund."]})
    if not refunds:
        raise ValidationError({"refunds": ["Name the refunds that the line shows."]})
    if any(refund.currency != line.currency for refund in refunds):
        raise ValidationError({"refunds": [f"A line in {line.currency} pays refunds in {line.currency} only."]})
    total = sum((refund.amount for refund in refunds), Decimal(0))
    if len({refund.pk for refund in refunds}) < len(refunds) or total > -line.amount:
        took = f"{money_text(-line.amount, line.currency)} {line.currency}"
        raise ValidationError({"refunds": [f"Together they are more than the {took} that the line took."]})
    with atomic():
        perform(line.match, by=by, rule=rule)  # first: of two at the same moment one is refused
        steps = []
        for refund in sorted(refunds, key=lambda one: one.pk):
            if refund.status == Refund.Status.APPROVED:
                steps.append(Step(refund.mark_sent, {"sent_on": line.booked_on}))
            steps.append(Step(refund.settle, {"line": str(line.pk)}))
        perform_many(steps, by=by)
    return line


def unsettle_refunds(line: StatementLine, *, by: User) -> None:
    """The line was another's: its refunds are on their way again. Within the caller's transaction."""
    refunds = line.refunds.order_by("pk").select_for_update(no_key=True)
    perform_many([Step(refund.unsettle) for refund in refunds], by=by)


def _references(line: StatementLine) -> frozenset[str]:
    return find_clues(line.text, references=line.references, bank_id=line.bank_id).references
