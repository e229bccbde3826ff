"""Invariants of refunds as SQL."""

from __future__ import annotations

from workflows.reporting.liveness import BUSY

REFUNDS = {
    "a refund has its money out of the balance until it has failed or was cancelled": f"""
        SELECT refund.id AS refund, refund.status, refund.amount, coalesce(sum(entry.amount), 0) AS entries
        FROM audit.refunds AS refund LEFT JOIN audit.balance_entries AS entry ON entry.refund_id = refund.id
        GROUP BY refund.id, refund.status, refund.amount, refund.account_id
        HAVING coalesce(sum(entry.amount), 0)
                <> CASE WHEN refund.status IN ('failed', 'cancelled') THEN 0 ELSE -refund.amount END
            AND NOT (refund.status IN ('failed', 'cancelled') AND refund.account_id IN {BUSY})""",  # noqa: S608 - our own words
    "a refund takes what is of its account and currency": """
        SELECT refund.id AS refund, entry.id AS entry
        FROM audit.refunds AS refund JOIN audit.balance_entries AS entry ON entry.refund_id = refund.id
        LEFT JOIN audit.payments AS payment ON payment.id = entry.payment_id
        WHERE entry.account_id <> refund.account_id OR entry.currency <> refund.currency
            OR payment.account_id IS DISTINCT FROM refund.account_id""",
    # Once the payment is reversed, what was refunded of it is owed.
    "of a payment that stands no more is refunded than was in the balance": """
        SELECT payment.id AS payment, sum(entry.amount) AS "left"
        FROM audit.payments AS payment JOIN audit.balance_entries AS entry ON entry.payment_id = payment.id
        WHERE payment.status = 'succeeded' GROUP BY payment.id HAVING sum(entry.amount) < 0""",
    "a refund was approved by another person than who requested it": """
        SELECT refund.id AS refund, refund.requested_by, birth.actor_id AS began_by, refund.approved_by,
            approval.actor_id AS performed_by
        FROM audit.refunds AS refund
        JOIN audit.transitions AS birth ON birth.machine = 'refund' AND birth.object_id = refund.id AND birth.seq = 1
        LEFT JOIN audit.transitions AS approval ON approval.machine = 'refund' AND approval.object_id = refund.id
            AND approval.name = 'approve'
        WHERE refund.requested_by IS DISTINCT FROM birth.actor_id
            OR refund.approved_by IS DISTINCT FROM approval.actor_id OR refund.approved_by = refund.requested_by""",
    "the refunds of a bank line are no more than it took": """
        SELECT line.id AS line, line.amount, sum(refund.amount) AS refunds
        FROM audit.bank_lines AS line JOIN audit.refunds AS refund ON refund.line_id = line.id
        GROUP BY line.id, line.amount HAVING sum(refund.amount) > -line.amount""",
}
