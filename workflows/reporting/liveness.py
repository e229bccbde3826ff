"""Everything that waits has a timer that will act, and money can be used."""

from __future__ import annotations

from iso4217 import Currency

# Accounts with work under way, or with a dead effect, which operators see.
BUSY = """(SELECT account_id FROM engine_effect WHERE lane = 'inward'
    AND (state IN ('ready', 'leased', 'dead', 'uncertain') OR state = 'waiting' AND (fence > 0 OR run_at <= now())))"""


def _acts(kind: str, about: str, *, more: str = "") -> str:
    """SQL: an effect of that kind will act on the row, or is dead and listed for operators."""
    return f"""EXISTS (SELECT FROM engine_effect AS timer WHERE timer.object_id = {about} AND timer.kind = '{kind}'
                AND timer.state NOT IN ('done', 'skipped'){more})"""


# The day on which the paid period ends, in the customer's time zone.
_TURNS = _acts(
    "subscription.turn",
    "subscription.id",
    more=" AND timer.run_at::date BETWEEN subscription.period_end - 2 AND subscription.period_end + 2",
)
_OVER = "('cancelled', 'expired')"
_LIVING = "('active', 'past_due', 'suspended')"
# The banks' days, and two for time zones.
_PATIENCE = "coalesce(method.bank_lag_days, 0) + 2"

LIVENESS = {
    "a trial has its end before it": f"""
        SELECT account.id AS account, account.trial_ends_on FROM core_account AS account
        WHERE account.status = 'trial' AND account.id NOT IN {BUSY}
            AND NOT {_acts("account.end_trial", "account.id")}""",
    "an account that waits for a payment has chosen a plan": f"""
        SELECT account.id AS account FROM core_account AS account
        WHERE account.status = 'pending_payment' AND account.id NOT IN {BUSY} AND NOT EXISTS (
            SELECT FROM core_subscription WHERE account_id = account.id AND status = 'pending_payment')""",
    "a plan that was chosen is paid for or lapses": f"""
        SELECT subscription.id AS subscription FROM core_subscription AS subscription
        WHERE subscription.status = 'pending_payment' AND subscription.account_id NOT IN {BUSY} AND NOT EXISTS (
            SELECT FROM core_invoice AS invoice WHERE invoice.subscription_id = subscription.id
                AND {_acts("invoice.let_lapse", "invoice.id")})""",
    "an active subscription has its next period before it": f"""
        SELECT subscription.id AS subscription, subscription.period_end FROM core_subscription AS subscription
        WHERE subscription.status = 'active' AND subscription.account_id NOT IN {BUSY} AND NOT {_TURNS}
            AND NOT EXISTS (SELECT FROM core_invoice AS invoice
                WHERE invoice.subscription_id = subscription.id AND invoice.purpose = 'renewal'
                    AND invoice.period_start = subscription.period_end
                    AND invoice.status IN ('pending', 'partially_paid', 'uncollectible')
                    AND {_acts("invoice.fall_behind", "invoice.id")})""",
    # Recent decisions have two days to take effect.
    "nobody is active without having paid": f"""
        SELECT subscription.id AS subscription, subscription.period_end, renewal.due_on
        FROM core_subscription AS subscription
        LEFT JOIN LATERAL (
            SELECT due_on, payment_method_id FROM core_invoice AS invoice
            WHERE invoice.subscription_id = subscription.id AND invoice.purpose = 'renewal'
                AND invoice.period_start = subscription.period_end AND invoice.status <> 'void'
            ORDER BY id DESC LIMIT 1) AS renewal ON true
        LEFT JOIN core_paymentmethod AS method ON method.id = renewal.payment_method_id
        WHERE subscription.status = 'active' AND subscription.account_id NOT IN {BUSY}
            AND coalesce(renewal.due_on, subscription.period_end) + {_PATIENCE} < now()::date
            AND NOT EXISTS (SELECT FROM core_payment AS payment WHERE payment.account_id = subscription.account_id
                AND (payment.status IN ('pending_approval', 'approved') OR EXISTS (
                    SELECT FROM engine_transition AS step WHERE step.object_id = payment.id
                        AND step.machine = 'payment' AND step.at > now() - interval '2 days')))""",
    "who is past due or suspended has a next day": f"""
        SELECT subscription.id AS subscription, subscription.status FROM core_subscription AS subscription
        WHERE subscription.account_id NOT IN {BUSY} AND (
            subscription.status = 'past_due' AND NOT {_acts("subscription.run_out_of_grace", "subscription.id")}
            OR subscription.status = 'suspended' AND NOT {_acts("subscription.give_up", "subscription.id")})""",
    "who is past due or suspended has something to pay": f"""
        SELECT subscription.id AS subscription, subscription.status FROM core_subscription AS subscription
        WHERE subscription.status IN ('past_due', 'suspended') AND subscription.account_id NOT IN {BUSY}
            AND NOT EXISTS (SELECT FROM core_invoice AS invoice WHERE invoice.subscription_id = subscription.id
                AND invoice.status IN ('pending', 'partially_paid', 'uncollectible'))""",
    "an open invoice is not open for ever": f"""
        SELECT invoice.id AS invoice, invoice.status, invoice.purpose, subscription.status AS subscription
        FROM core_invoice AS invoice
        LEFT JOIN core_subscription AS subscription ON subscription.id = invoice.subscription_id
        WHERE invoice.status IN ('pending', 'partially_paid') AND invoice.account_id NOT IN {BUSY}
            AND coalesce(subscription.status, '') NOT IN ('past_due', 'suspended')
            AND NOT {_acts("invoice.fall_behind", "invoice.id")} AND NOT {_acts("invoice.let_lapse", "invoice.id")}""",
    "an approved payment is settled": f"""
        SELECT payment.id AS payment FROM core_payment AS payment
        WHERE payment.status = 'approved' AND NOT {_acts("payment.settle", "payment.id")}""",
}
CLAIMS = {
    "a claim that nobody decides on comes up again": f"""
        SELECT payment.id AS payment FROM core_payment AS payment
        WHERE payment.status = 'pending_approval' AND payment.account_id NOT IN {BUSY}
            AND NOT {_acts("payment.escalate", "payment.id")}""",
}
_DECIMALS = ", ".join(
    f"('{each.code}', {each.exponent})"
    for each in sorted(Currency, key=lambda each: each.code)
    if each.exponent is not None
)
_WILL_NOT_BE = f"""(invoice.began_on IS NULL AND (subscription.status IN {_OVER}
    OR invoice.purpose = 'upgrade' AND invoice.period_end < subscription.period_end))"""
PLACES = {
    "no money lies on what never was and never will be": f"""
        SELECT invoice.id AS invoice, invoice.status, invoice.purpose, invoice.allocated,
            subscription.status AS subscription
        FROM core_invoice AS invoice JOIN core_subscription AS subscription ON subscription.id = invoice.subscription_id
        WHERE invoice.allocated > 0 AND {_WILL_NOT_BE} AND invoice.account_id NOT IN {BUSY}""",
    "money in the balance pays what is open": f"""
        SELECT invoice.id AS invoice, invoice.status, invoice.currency, balance.left
        FROM core_invoice AS invoice JOIN core_subscription AS subscription ON subscription.id = invoice.subscription_id
        JOIN core_account AS account ON account.id = invoice.account_id,
        LATERAL (
            SELECT sum(of_payment.left) AS left FROM (
                SELECT payment.id, sum(entry.amount) AS left
                FROM core_balanceentry AS entry JOIN core_payment AS payment ON payment.id = entry.payment_id
                WHERE entry.account_id = invoice.account_id AND entry.currency = invoice.currency
                    AND payment.status = 'succeeded'
                GROUP BY payment.id) AS of_payment) AS balance
        WHERE invoice.status IN ('pending', 'partially_paid') AND balance.left > 0 AND account.status <> 'closed'
            AND subscription.status NOT IN {_OVER} AND invoice.account_id NOT IN {BUSY}
            AND (invoice.purpose <> 'upgrade'
                OR subscription.status = 'active' AND invoice.period_end = subscription.period_end)""",
    "money is in a currency that there is, in coins that there are": f"""
        WITH currency(code, decimals) AS (VALUES {_DECIMALS}),
        money(what, id, code, amount) AS (
            SELECT 'price', id, currency, amount FROM core_planprice
            UNION ALL SELECT 'invoice', id, currency, unnest(ARRAY[total, allocated, written_off, credited])
                FROM core_invoice
            UNION ALL SELECT 'payment', id, currency, unnest(ARRAY[amount, received, returned]) FROM core_payment
            UNION ALL SELECT 'credit note', id, currency, unnest(ARRAY[net, total, to_balance]) FROM core_creditnote
            UNION ALL SELECT 'balance entry', id, currency, amount FROM core_balanceentry
            UNION ALL SELECT 'allocation', allocation.id, invoice.currency, allocation.amount
                FROM core_allocation AS allocation JOIN core_invoice AS invoice ON invoice.id = allocation.invoice_id)
        SELECT money.what, money.id, money.code AS currency, money.amount
        FROM money LEFT JOIN currency ON currency.code = money.code
        WHERE currency.code IS NULL OR money.amount <> round(money.amount, currency.decimals)""",
    "only what a bank may have kept is written off with a payment": """
        SELECT invoice.id AS invoice, invoice.written_off FROM core_invoice AS invoice,
        LATERAL (
            SELECT payment_id FROM core_allocation WHERE invoice_id = invoice.id AND amount > 0
            ORDER BY id DESC LIMIT 1) AS last
        WHERE invoice.written_off > 0 AND EXISTS (SELECT FROM core_balanceentry AS entry
            WHERE entry.account_id = invoice.account_id AND entry.payment_id = last.payment_id AND entry.amount < 0
                AND entry.key LIKE '%:' || replace(invoice.id::text, '-', '') || ':%')""",
    "who has left is asked for no money": f"""
        SELECT invoice.id AS invoice, invoice.status, account.status AS account_status
        FROM core_invoice AS invoice JOIN core_account AS account ON account.id = invoice.account_id
        WHERE account.status IN ('closed', 'expired') AND invoice.status IN ('pending', 'partially_paid')
            AND account.id NOT IN {BUSY}""",
    "what ends with its period is not sold for the next": f"""
        SELECT subscription.id AS subscription, subscription.next_plan_id FROM core_subscription AS subscription
        WHERE subscription.status IN {_LIVING} AND subscription.cancel_at_period_end
            AND subscription.account_id NOT IN {BUSY} AND (
                subscription.next_plan_id IS NOT NULL
                OR EXISTS (SELECT FROM core_invoice AS invoice WHERE invoice.subscription_id = subscription.id
                    AND invoice.purpose = 'renewal' AND invoice.status = 'pending'
                    AND invoice.period_start = subscription.period_end AND subscription.status = 'active'))""",
}
