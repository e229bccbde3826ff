"""Laws that need the simulation's memory of what was agreed."""

from __future__ import annotations

# Joined with the accounts, so that `scope` can limit it to some.
_ISSUED = "(SELECT issued.* FROM simulation_scratch.issued JOIN core_account ON core_account.id = issued.account_id)"

AGREED = {
    "a renewal costs what was agreed when its plan was chosen": f"""
        SELECT invoice.id AS invoice, invoice.total, invoice.currency, issued.interval,
            (SELECT array_agg(DISTINCT price) FROM simulation_scratch.chosen
             WHERE subscription_id = invoice.subscription_id AND plan_id = issued.plan_id) AS agreed
        FROM core_invoice AS invoice JOIN {_ISSUED} AS issued ON issued.invoice_id = invoice.id
        WHERE invoice.purpose = 'renewal' AND NOT EXISTS (
            SELECT FROM simulation_scratch.chosen WHERE subscription_id = invoice.subscription_id
                AND plan_id = issued.plan_id AND interval = issued.interval AND price = invoice.total)""",
    "a period gives the credits that were agreed": f"""
        SELECT entry.id AS entry, entry.amount, issued.credits AS as_issued, invoice.id AS invoice
        FROM core_creditentry AS entry JOIN core_invoice AS invoice ON invoice.id = entry.invoice_id
        JOIN {_ISSUED} AS issued ON issued.invoice_id = invoice.id
        WHERE entry.kind = 'grant' AND entry.key LIKE 'grant:%' AND entry.amount <> issued.credits AND NOT EXISTS (
            SELECT FROM simulation_scratch.chosen WHERE subscription_id = invoice.subscription_id
                AND plan_id = issued.plan_id AND credits = entry.amount)""",
    "a step up gives no larger share of the credits than of the price": f"""
        SELECT entry.id AS entry, entry.amount, invoice.id AS invoice, invoice.total,
            issued.more_price, issued.more_credits
        FROM core_creditentry AS entry JOIN core_invoice AS invoice ON invoice.id = entry.invoice_id
        JOIN {_ISSUED} AS issued ON issued.invoice_id = invoice.id
        WHERE entry.kind = 'grant' AND invoice.purpose = 'upgrade' AND issued.more_price > 0
            AND entry.amount > issued.more_credits * (invoice.total + 0.01) / issued.more_price + 1""",
    "what is due is done": """
        SELECT id AS effect, kind, account_id AS account, run_at FROM engine_effect
        WHERE state = 'waiting' AND run_at < now() - interval '1 minute'""",
}
