"""Deciding on many payments at once: each has an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from core.models import Payment, User
from core.problems import DuplicateClaim, NotFound, Problem
from workflows.engine import Step, perform, perform_many

AT_ONCE = 100


def decide_many(ids: Iterable[UUID], verb: str, *, by: User, **inputs: Any) -> Iterator[tuple[UUID, Payment | Problem]]:
    """Approve or reject, a hundred in one transaction; where one cannot be, that hundred goes one by one.

    At most one claim of an invoice, the oldest of those named: two of one invoice are often the same money, so the
    others want a look of their own, also when the list is sent again. Yields each key once, with the payment as it is
    now, or the Problem that says why it was left alone.
    """
    wanted = sorted(set(ids))
    repeated = repeated_claims(wanted, by)
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        own = [key for key in chunk if key not in repeated]
        outcomes: dict[UUID, Payment | Problem] = {**repeated}
        try:
            with atomic():
                payments = _locked(own, by)
                perform_many([Step(getattr(payment, verb), inputs) for payment in payments.values()], by=by)
                outcomes |= payments
        except Problem:
            outcomes |= {key: _decide(key, verb, by, inputs) for key in own}
        for key in chunk:
            yield key, outcomes[key]


def repeated_claims(keys: Sequence[UUID], by: User) -> dict[UUID, DuplicateClaim]:
    """Which of these are not the oldest named one of their invoice, each with the Problem that says so."""
    rows = Payment.objects.visible_to(by).filter(pk__in=keys).order_by("pk")
    first: dict[UUID, UUID] = {}
    repeated = {}
    for key, invoice_id, number in rows.values_list("pk", "invoice_id", "invoice__number"):
        oldest = first.setdefault(invoice_id, key)
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
    """The payments, locked in the order of their keys so that two who decide on the same do not deadlock."""
    wanted = list(keys)
    rows = (
        Payment.objects.visible_to(by).filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True, of=("self",))
    )
    found = {payment.pk: payment for payment in rows}
    if len(found) < len(wanted):
        raise NotFound("There is no such payment.")
    return found
