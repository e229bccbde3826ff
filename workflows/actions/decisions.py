from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from core.models import Invoice, Payment, User
from core.models.payment import PlannedAllocation
from core.money import money_text
from core.problems import Conflict, DuplicateClaim, NotFound, Problem, ValidationError
from engine import Step, perform, perform_many
from engine.models import Transition
from workflows.reporting.review_queue import TAKES_NOTHING

PAYMENTS_AT_ONCE = 100


def approve_payment(
    payment: Payment, *, by: User, allocations: Sequence[PlannedAllocation] = (), **inputs: Any
) -> Transition:
    """allocations: how much each invoice gets; none: its own gets all."""
    if allocations and payment.may_be_decided_by(by):  # others are not told whose an invoice is
        wanted = {part.invoice_id for part in allocations}
        own = Invoice.objects.filter(pk__in=wanted, account=payment.account_id, currency=payment.currency)
        if own.count() < len(wanted):
            raise ValidationError({"allocations": ["Name invoices of this account and currency."]})
    return perform(payment.approve, by=by, allocations=[part.as_kept() for part in allocations], **inputs)


def decide_payment(payment: Payment, verb: str, *, by: User, **inputs: Any) -> Transition:
    if verb == "approve":
        return approve_payment(payment, by=by, **inputs)
    if verb == "reverse":
        return reverse_payment(payment, by=by, **inputs)
    return perform(getattr(payment, verb), by=by, **inputs)


def reverse_payment(payment: Payment, *, by: User, reason_given: str, amount: Decimal | None = None) -> Transition:
    """amount: how much went back; none, or all that is left: the payment as a whole. `payment` is read again."""
    with atomic():  # of two parts at once the second sees the first
        payment.refresh_from_db(from_queryset=Payment.objects.select_for_update(no_key=True))
        if amount is None or amount == payment.kept:
            return perform(payment.reverse, by=by, reason_given=reason_given)
        return perform(payment.reverse_part, by=by, amount=amount, reason_given=reason_given)


def decide_many(ids: Iterable[UUID], verb: str, *, by: User, **inputs: Any) -> Iterator[tuple[UUID, Payment | Problem]]:
    """A hundred in one transaction; if one of them fails, that hundred is decided one by one.

    Yields each key once, with the payment read again, or the Problem that says why it was not decided.
    """
    wanted = sorted(set(ids))
    apart = excluded_from_bulk(wanted, verb, by)
    for start in range(0, len(wanted), PAYMENTS_AT_ONCE):
        chunk = wanted[start : start + PAYMENTS_AT_ONCE]
        own = [key for key in chunk if key not in apart]
        outcomes: dict[UUID, Payment | Problem] = {**apart}
        try:
            with atomic():
                payments = _locked(own, by)
                perform_many([Step(getattr(payment, verb), inputs) for payment in payments.values()], by=by)
                outcomes |= payments
        except Problem:
            outcomes |= {key: _decide(key, verb, by, inputs) for key in own}
        for key in chunk:
            yield key, outcomes[key]


def excluded_from_bulk(keys: Sequence[UUID], verb: str, by: User) -> dict[UUID, Problem]:
    """What must not be decided in bulk, with the reason."""
    repeated = _repeated(keys, by)
    # A flooded queue can still be cleared by rejections.
    return {**_doubtful(keys, by), **repeated} if verb == "approve" else {**repeated}


def _doubtful(keys: Sequence[UUID], by: User) -> dict[UUID, Problem]:
    waiting = Payment.objects.visible_to(by).filter(pk__in=keys, status=Payment.Status.PENDING_APPROVAL)
    rows = waiting.with_earlier_use().select_related("invoice")
    return {row.pk: Conflict(f"{why} Decide on this one by itself.") for row in rows if (why := _why_apart(row))}


def _why_apart(payment: Any) -> str:
    if payment.was_used_elsewhere:
        return "Another account used this reference before."
    invoice = payment.invoice
    if invoice is None:
        return "It pays no invoice, so all of it would go to the balance."
    if payment.currency != invoice.currency:
        return f"Invoice {invoice} is in {invoice.currency}, so all of it would go to the balance."
    if invoice.status in TAKES_NOTHING:
        return f"Invoice {invoice} is {TAKES_NOTHING[invoice.status]}, so all of it would go to the balance."
    if payment.amount > invoice.outstanding:
        open_, claimed = (money_text(amount, payment.currency) for amount in (invoice.outstanding, payment.amount))
        return f"{claimed} {payment.currency} is more than the {open_} that are open of invoice {invoice}."
    return ""


def _repeated(keys: Sequence[UUID], by: User) -> dict[UUID, DuplicateClaim]:
    rows = Payment.objects.visible_to(by).filter(pk__in=keys).order_by("pk")
    first: dict[UUID, UUID] = {}
    repeated = {}
    for key, invoice_id, number in rows.values_list("pk", "invoice_id", "invoice__number"):
        oldest = first.setdefault(invoice_id or key, key)
        # Two claims of an invoice are often the same money.
        if oldest != key:
            repeated[key] = DuplicateClaim(
                f"Another claim of invoice {number} is in this list. Decide on this one by itself.",
                payment_id=str(oldest),
            )
    return repeated


def _decide(key: UUID, verb: str, by: User, inputs: dict[str, Any]) -> Payment | Problem:
    try:
        with atomic():
            payment = _locked([key], by)[key]
            perform(getattr(payment, verb), by=by, **inputs)
            return payment
    except Problem as problem:
        return problem


def _locked(keys: Iterable[UUID], by: User) -> dict[UUID, Payment]:
    # In ascending order of keys, so that two bulk decisions cannot deadlock.
    wanted = list(keys)
    rows = (
        Payment.objects.visible_to(by)
        .filter(pk__in=wanted)
        .select_related("claimed_by_link")
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    found = {payment.pk: payment for payment in rows}
    if len(found) < len(wanted):
        raise NotFound("There is no such payment.")
    return found
