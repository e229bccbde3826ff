"""Who says that they have paid is waited for, on so many days in all: claims use up the pause of their invoice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from core.models import Payment, Policy
from core.models.payment import PaymentQuerySet
from engine.models import Effect
from engine.pipeline import ask

HELD = "held"  # in a timer's payload: on how many days it was held up already

# In the order of keys, as everybody locks them. A second thing that is held up on the same day costs no second day.
_HOLD = """
    WITH held AS (
        SELECT invoice.id, claimed.day FROM core_invoice AS invoice
        JOIN unnest(%(invoices)s::uuid[], %(days)s::date[]) AS claimed(id, day) ON claimed.id = invoice.id
        WHERE invoice.held_on = claimed.day OR invoice.held_days < %(most)s::int
        ORDER BY invoice.id FOR NO KEY UPDATE OF invoice
    )
    UPDATE core_invoice AS invoice
    SET held_days = invoice.held_days + (invoice.held_on IS DISTINCT FROM held.day)::int, held_on = held.day
    FROM held WHERE invoice.id = held.id RETURNING invoice.id"""


def hold(days: Mapping[UUID, date], policy: Policy) -> set[UUID]:
    """Which of these invoices have a day left that holds them up; it is used up, whatever becomes of the claim."""
    if not days:
        return set()
    values = {"invoices": list(days), "days": list(days.values()), "most": policy.claim_pause_days}
    return {row[0] for row in ask(_HOLD, values).fetchall()}


def is_postponed_by_claim(claims: PaymentQuerySet, this: Effect, *, today: date) -> bool:
    """Whether one of these claims holds this timer up today. Claims that were withdrawn or refused have used days up.

    No timer is held up for longer than one invoice could: who drops an invoice for another has won nothing. What is
    approved is settled in a moment; it is waited for whatever was used up.
    """
    waiting, approved = invoices_in_review(claims)
    if approved or not waiting:
        return bool(approved)
    policy = Policy.current()
    return this.payload.get(HELD, 0) < policy.claim_pause_days and bool(hold(dict.fromkeys(waiting, today), policy))


def invoices_in_review(claims: PaymentQuerySet) -> tuple[set[UUID], set[UUID]]:
    """The invoices of which one of these claims waits for a decision, and those of which one waits to be settled."""
    waiting: set[UUID] = set()
    approved: set[UUID] = set()
    for invoice_id, status in claims.in_review().values_list("invoice_id", "status"):
        (approved if status == Payment.Status.APPROVED else waiting).add(invoice_id)
    return waiting, approved
