"""A claim in review pauses dunning of its invoice, for at most `claim_pause_days` over all claims."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from core.models import Payment, Policy
from core.models.payment import PaymentQuerySet
from engine.models import Effect
from engine.pipeline import ask

HELD = "held"  # in a timer's payload: days on which it was postponed

# In ascending order of keys. Two timers postponed on the same day cost one day.
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


def use_pause_day(days: Mapping[UUID, date], policy: Policy) -> set[UUID]:
    """Use up one day of pause for each invoice. Returns those that had one left."""
    if not days:
        return set()
    values = {"invoices": list(days), "days": list(days.values()), "most": policy.claim_pause_days}
    return {row[0] for row in ask(_HOLD, values).fetchall()}


def postpone_by_claim(claims: PaymentQuerySet, this: Effect, *, today: date) -> bool:
    """Uses up a day of pause. No timer waits longer than one invoice may pause."""
    waiting, approved = invoices_in_review(claims)
    # An approved claim is settled in a moment.
    if approved or not waiting:
        return bool(approved)
    policy = Policy.current()
    return this.payload.get(HELD, 0) < policy.claim_pause_days and bool(
        use_pause_day(dict.fromkeys(waiting, today), policy)
    )


def invoices_in_review(claims: PaymentQuerySet) -> tuple[set[UUID], set[UUID]]:
    """Awaiting a decision, and awaiting settlement."""
    waiting: set[UUID] = set()
    approved: set[UUID] = set()
    for invoice_id, status in claims.in_review().values_list("invoice_id", "status"):
        (approved if status == Payment.Status.APPROVED else waiting).add(invoice_id)
    return waiting, approved
