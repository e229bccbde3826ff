"""Deciding on many payments at once: each has an outcome of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db.transaction import atomic

from core.models import Payment, User
from core.problems import NotFound, Problem
from workflows.engine import Step, perform, perform_many

AT_ONCE = 100


def decide_many(ids: Iterable[UUID], verb: str, *, by: User, **inputs: Any) -> Iterator[tuple[UUID, Payment | Problem]]:
    """Approve or reject, a hundred in one transaction; where one cannot be, that hundred goes one by one.

    Yields each key once, with the payment as it is now, or the Problem that says why it was left alone.
    """
    keys = iter(sorted(set(ids)))
    while chunk := list(islice(keys, AT_ONCE)):
        try:
            with atomic():
                payments = _locked(chunk, by)
                perform_many([Step(getattr(payment, verb), inputs) for payment in payments.values()], by=by)
                outcomes: dict[UUID, Payment | Problem] = {**payments}
        except Problem:
            outcomes = {key: _decide(key, verb, by, inputs) for key in chunk}
        for key in chunk:
            yield key, outcomes[key]


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
