"""Invariants of money, credits and time as SQL, over the views of `audit` where those have the columns."""

from __future__ import annotations

from core.models import (
    Allocation,
    BalanceEntry,
    CreditEntry,
    HistoryHead,
    LinePayment,
    MembershipRecord,
    SecurityEvent,
    Statement,
)
from core.models.user import HOSTED_PAGE_USER
from engine.models import EffectEvent, Transition
from workflows.reporting.bank_laws import BANK
from workflows.reporting.credit_note_laws import CREDIT_NOTES
from workflows.reporting.document_laws import DOCUMENTS
from workflows.reporting.liveness import BUSY, CLAIMS, LIVENESS, PLACES
from workflows.reporting.refund_laws import REFUNDS

_OVER = "('cancelled', 'expired')"

MONEY = {
    "an invoice is allocated what its allocations say, and no more than is demanded": """
        SELECT invoice.id AS invoice, invoice.total, invoice.credited, invoice.allocated,
            coalesce(sum(allocation.amount), 0) AS allocations
        FROM audit.invoices AS invoice LEFT JOIN audit.allocations AS allocation ON allocation.invoice_id = invoice.id
        GROUP BY invoice.id, invoice.total, invoice.credited, invoice.allocated
        HAVING invoice.allocated <> coalesce(sum(allocation.amount), 0)
            OR invoice.allocated > invoice.total - invoice.credited""",
    "the status of an invoice is what was allocated to it": """
        SELECT id AS invoice, status, total, credited, allocated, written_off FROM core_invoice
        WHERE status <> CASE
            WHEN status IN ('draft', 'void') AND allocated = 0 THEN status
            WHEN status = 'uncollectible' AND allocated < total - credited THEN status
            WHEN allocated + written_off + credited = total THEN 'paid'
            WHEN allocated > 0 THEN 'partially_paid' ELSE 'pending' END""",
    "of a payment all that was received and not taken back has its place, and nothing before or after": f"""
        SELECT payment.id AS payment, payment.status, payment.received, payment.returned, placed.allocated,
            placed.to_balance
        FROM audit.payments AS payment, LATERAL (SELECT
            (SELECT coalesce(sum(amount), 0) FROM audit.allocations WHERE payment_id = payment.id) AS allocated,
            (SELECT coalesce(sum(amount), 0) FROM audit.balance_entries
                WHERE payment_id = payment.id AND refund_id IS NULL) AS to_balance
        ) AS placed
        WHERE placed.allocated < 0 OR placed.to_balance < 0
            OR placed.allocated + placed.to_balance
                <> CASE WHEN payment.status = 'succeeded' THEN payment.received - payment.returned ELSE 0 END
            AND NOT ((payment.status = 'reversed' OR payment.returned > 0) AND payment.account_id IN {BUSY})""",
    "of a payment as much was taken back in parts as its reversals of parts say": """
        SELECT payment.id AS payment, payment.returned, coalesce(sum((step.inputs ->> 'amount')::numeric), 0) AS said
        FROM audit.payments AS payment LEFT JOIN engine_transition AS step
            ON step.machine = 'payment' AND step.object_id = payment.id AND step.name = 'reverse_part'
        GROUP BY payment.id, payment.returned
        HAVING payment.returned <> coalesce(sum((step.inputs ->> 'amount')::numeric), 0)""",
    "money stays in its currency": """
        SELECT payment.id AS payment, payment.currency, entry.currency AS placed FROM audit.payments AS payment
        JOIN audit.balance_entries AS entry ON entry.payment_id = payment.id
        WHERE entry.currency <> payment.currency
        UNION ALL
        SELECT payment.id, payment.currency, invoice.currency FROM audit.payments AS payment
        JOIN audit.allocations AS allocation ON allocation.payment_id = payment.id
        JOIN audit.invoices AS invoice ON invoice.id = allocation.invoice_id
        WHERE invoice.currency <> payment.currency""",
    # Written off later, an invoice keeps what was paid.
    "an invoice that took money of a payment shows it": """
        SELECT payment.id AS payment, invoice.id AS invoice, invoice.status
        FROM audit.payments AS payment JOIN audit.allocations AS allocation ON allocation.payment_id = payment.id
        JOIN audit.invoices AS invoice ON invoice.id = allocation.invoice_id
        WHERE payment.status = 'succeeded' AND invoice.status NOT IN ('partially_paid', 'paid', 'uncollectible')
        GROUP BY payment.id, invoice.id, invoice.status HAVING sum(allocation.amount) <> 0""",
    "a payment is settled once for its approval": """
        SELECT payment.id AS payment, payment.status, taken.approved, taken.settled
        FROM audit.payments AS payment, LATERAL (SELECT
            count(*) FILTER (WHERE name = 'approve') AS approved, count(*) FILTER (WHERE name = 'settle') AS settled
            FROM engine_transition WHERE machine = 'payment' AND object_id = payment.id
        ) AS taken
        WHERE taken.approved > 1 OR taken.settled > taken.approved
            OR (payment.status IN ('succeeded', 'reversed')) <> (taken.settled = 1)
            OR taken.settled = 0 AND EXISTS (
                SELECT FROM engine_effect
                WHERE object_id = payment.id AND kind = 'payment.settle' AND state = 'done')""",
    "nobody decides on their own payment": """
        SELECT id AS payment, decided_by FROM audit.payments WHERE decided_by = submitted_by""",
    "nobody decides on what was claimed by a link that they made": """
        SELECT payment.id AS payment, link.created_by_id AS made_by
        FROM core_payment AS payment JOIN core_invoicelink AS link ON link.id = payment.claimed_by_link_id
        WHERE link.created_by_id IN (payment.decided_by_id, payment.reversed_by_id)""",
    "a claim by link is submitted by the hosted page, and no other payment is": f"""
        SELECT payment.id AS payment, payment.claimed_by_link_id AS link
        FROM core_payment AS payment JOIN core_user AS person ON person.id = payment.submitted_by_id
        WHERE (payment.claimed_by_link_id IS NOT NULL) <> (person.email_canonical = '{HOSTED_PAGE_USER}')""",
    "who submitted a payment began it": """
        SELECT payment.id AS payment, payment.submitted_by, birth.actor_id AS began_by FROM audit.payments AS payment
        JOIN audit.transitions AS birth ON birth.machine = 'payment' AND birth.object_id = payment.id AND birth.seq = 1
        WHERE payment.submitted_by IS DISTINCT FROM birth.actor_id""",
    "who decided on a payment performed it": """
        SELECT payment.id AS payment, payment.decided_by_id AS decided_by, decision.actor_id AS performed_by,
            payment.reversed_by_id AS reversed_by, reversal.actor_id AS reversal_performed_by
        FROM core_payment AS payment
        LEFT JOIN engine_transition AS decision ON decision.machine = 'payment' AND decision.object_id = payment.id
            AND decision.name IN ('approve', 'reject')
        LEFT JOIN engine_transition AS reversal ON reversal.machine = 'payment' AND reversal.object_id = payment.id
            AND reversal.name = 'reverse'
        WHERE payment.decided_by_id IS DISTINCT FROM decision.actor_id
            OR payment.reversed_by_id IS DISTINCT FROM reversal.actor_id""",
    # Since November 2026 its first transition has the total; before, the billing snapshot has the price, of which an
    # upgrade costs a part.
    "an invoice demands what it was issued for": """
        SELECT invoice.id AS invoice, invoice.total, birth.inputs ->> 'total' AS begun_with,
            issued.inputs #>> '{snapshot,price}' AS issued_with
        FROM core_invoice AS invoice
        JOIN engine_transition AS birth ON birth.machine = 'invoice' AND birth.object_id = invoice.id AND birth.seq = 1
        LEFT JOIN engine_transition AS issued ON issued.machine = 'invoice' AND issued.object_id = invoice.id
            AND issued.name = 'issue'
        WHERE (birth.inputs ->> 'total')::numeric <> invoice.total
            OR birth.inputs ->> 'currency' <> invoice.currency
            OR invoice.purpose <> 'upgrade' AND NOT birth.inputs ? 'total'
                AND (issued.inputs #>> '{snapshot,price}')::numeric <> invoice.total
            OR issued.inputs -> 'snapshot' <> invoice.metadata -> 'billing_snapshot'
            OR issued.inputs ? 'snapshot' AND NOT invoice.metadata ? 'billing_snapshot'
            OR issued.inputs ->> 'number' <> invoice.number""",
}
CREDITS = {
    "an account has the credits that its entries add up to": """
        SELECT account.id AS account, account.credits, coalesce(sum(entry.amount), 0) AS entries
        FROM audit.accounts AS account LEFT JOIN audit.credit_entries AS entry ON entry.account_id = account.id
        GROUP BY account.id, account.credits
        HAVING account.credits <> coalesce(sum(entry.amount), 0) OR account.credits < 0""",
    # Does not rely on the order of keys: two processes may make theirs in the same millisecond.
    "a credit entry starts at the balance that another left": """
        SELECT account_id AS account, balance_after - amount AS starts_at FROM audit.credit_entries
        EXCEPT ALL
        (SELECT account_id, balance_after FROM audit.credit_entries UNION ALL SELECT id, 0 FROM audit.accounts)""",
    "a period of a subscription is granted once": """
        SELECT key, count(*) AS times FROM audit.credit_entries
        WHERE kind = 'grant' AND key ~ '^grant:.+:' GROUP BY key HAVING count(*) > 1
        UNION ALL
        SELECT 'grant:' || subscription.id || ':' || subscription.period_start, 0
        FROM audit.subscriptions AS subscription JOIN core_plan AS plan ON plan.code = subscription.plan
        WHERE subscription.status = 'active' AND plan.credits > 0 AND NOT EXISTS (
            SELECT FROM audit.credit_entries WHERE account_id = subscription.account_id
                AND key = 'grant:' || subscription.id || ':' || subscription.period_start)""",
}
ACCOUNT_STATUS = {
    "an account stands where its subscription stands": f"""
        SELECT account.id AS account, account.status, subscription.status AS subscription
        FROM audit.accounts AS account LEFT JOIN audit.subscriptions AS subscription
            ON subscription.account_id = account.id AND subscription.status IN ('active', 'past_due', 'suspended')
        WHERE coalesce(subscription.status, 'none')
                <> CASE WHEN account.status IN ('active', 'past_due', 'suspended') THEN account.status ELSE 'none' END
            AND account.id NOT IN {BUSY}""",
    "what is over waits for no money": f"""
        SELECT invoice.id AS invoice, invoice.status, subscription.status AS subscription
        FROM core_invoice AS invoice
        JOIN audit.subscriptions AS subscription ON subscription.id = invoice.subscription_id
        WHERE invoice.status = 'pending' AND subscription.status IN {_OVER} AND invoice.account_id NOT IN {BUSY}
            AND NOT EXISTS (SELECT FROM audit.allocations WHERE invoice_id = invoice.id)""",
    "who is in good standing has nothing overdue that nobody watches": f"""
        SELECT invoice.id AS invoice, invoice.status, invoice.due_on
        FROM core_invoice AS invoice
        JOIN audit.subscriptions AS subscription ON subscription.id = invoice.subscription_id
        LEFT JOIN core_paymentmethod AS method ON method.id = invoice.payment_method_id
        WHERE invoice.status IN ('pending', 'partially_paid') AND invoice.purpose <> 'upgrade'
            AND subscription.status = 'active' AND invoice.account_id NOT IN {BUSY}
            AND invoice.due_on + coalesce(method.bank_lag_days, 0) + 2 < now()::date
            AND NOT EXISTS (SELECT FROM engine_effect WHERE object_id = invoice.id AND kind = 'invoice.fall_behind'
                AND state = 'waiting')""",
}
TIME = {
    "a period ends on its anchor day": """
        SELECT id AS subscription, anchor_day, period_start, period_end FROM core_subscription
        WHERE period_end <= period_start OR extract(day FROM period_end) <> least(anchor_day,
            extract(day FROM date_trunc('month', period_end) + interval '1 month - 1 day'))""",
    "a trial and a period have their end before them": f"""
        SELECT account.id AS about, 'trial' AS what, account.trial_ends_on AS until FROM core_account AS account
        WHERE account.status = 'trial' AND account.trial_ends_on > now()::date + 1 AND account.id NOT IN {BUSY}
            AND NOT EXISTS (SELECT FROM engine_effect WHERE account_id = account.id AND kind = 'account.end_trial'
                AND state = 'waiting')
        UNION ALL
        SELECT subscription.id, 'period', subscription.period_end FROM audit.subscriptions AS subscription
        WHERE subscription.status = 'active' AND subscription.period_end > now()::date + 1
            AND subscription.account_id NOT IN {BUSY}
            AND NOT EXISTS (SELECT FROM engine_effect WHERE state = 'waiting' AND kind = 'subscription.turn'
                AND object_id = subscription.id
                AND coalesce(payload ->> 'period_end' = subscription.period_end::text, true))""",
}
MAILS = {
    "a mail is sent once for what it tells of": """
        SELECT effect.transition_id AS transition, mail.kind, count(DISTINCT mail.effect_id) AS times
        FROM audit.mails AS mail JOIN audit.effects AS effect ON effect.id = mail.effect_id
        WHERE effect.transition_id IS NOT NULL AND effect.key !~ '^(reminder|escalate):'
        GROUP BY effect.transition_id, mail.kind HAVING count(DISTINCT mail.effect_id) > 1
        UNION ALL
        SELECT NULL, min(kind), count(DISTINCT effect_id) FROM audit.mails
        GROUP BY message_id HAVING count(DISTINCT effect_id) > 1""",
}
# The last row that names a right says whether it is held; who owns the tables writes one by trigger.
RIGHTS = {
    "a right that is held has its row in force": """
        SELECT held.person, held.group_name, held.word FROM (
            SELECT own.user_id AS person, '' AS group_name, type.app_label || '.' || permission.codename AS word
            FROM core_user_user_permissions AS own JOIN auth_permission AS permission ON permission.id = permission_id
            JOIN django_content_type AS type ON type.id = permission.content_type_id
            UNION ALL SELECT mine.user_id, '', 'group:' || auth_group.name
            FROM core_user_groups AS mine JOIN auth_group ON auth_group.id = mine.group_id
            UNION ALL SELECT id, '', 'staff' FROM core_user WHERE is_staff
            UNION ALL SELECT id, '', 'superuser' FROM core_user WHERE is_superuser
            UNION ALL SELECT NULL, auth_group.name, type.app_label || '.' || permission.codename
            FROM auth_group_permissions AS shared JOIN auth_group ON auth_group.id = shared.group_id
            JOIN auth_permission AS permission ON permission.id = shared.permission_id
            JOIN django_content_type AS type ON type.id = permission.content_type_id
        ) AS held
        WHERE 'give' IS DISTINCT FROM (
            SELECT kind FROM core_dutygrant AS row
            WHERE row.person_id IS NOT DISTINCT FROM held.person AND row.group_name = held.group_name
                AND row.in_force_at IS NOT NULL AND row.duties @> to_jsonb(held.word)
            ORDER BY row.in_force_at DESC, row.asked_at DESC LIMIT 1)""",
}
_GROWING = ", ".join(
    f"('{table}')"
    for table in (
        *(
            model._meta.db_table
            for model in (
                Allocation,
                BalanceEntry,
                CreditEntry,
                EffectEvent,
                HistoryHead,
                LinePayment,
                MembershipRecord,
                SecurityEvent,
                Statement,
                Transition,
            )
        ),
        "django_admin_log",
    )
)
GUARDS = {
    "what only grows is guarded": f"""
        SELECT name AS unguarded FROM (VALUES {_GROWING}) AS growing(name) WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = name::regclass AND tgname LIKE '%_append_only' AND tgenabled <> 'D')""",
}

PAYEES = {
    "a method has the payee of its newest version in force": """
        SELECT method.code AS method FROM core_paymentmethod AS method LEFT JOIN LATERAL (
            SELECT * FROM core_payeeversion WHERE method_id = method.id AND in_force_at IS NOT NULL
            ORDER BY number DESC LIMIT 1) AS newest ON true
        WHERE (method.fields, method.instructions, method.tolerance_percent, method.tolerance_max) IS DISTINCT FROM
            (newest.fields, newest.instructions, newest.tolerance_percent, newest.tolerance_max)""",
    "a payee that was changed was confirmed by another or could be by nobody, and has waited": """
        SELECT method_id AS method, number, asked_by_id AS asked_by, confirmed_by_id AS confirmed_by
        FROM core_payeeversion
        WHERE in_force_at IS NOT NULL AND NOT at_once AND (confirmed_by_id = asked_by_id OR in_force_at < asked_at
            + make_interval(hours => CASE WHEN confirmed_by_id IS NULL THEN alone_hours ELSE wait_hours END))""",
    "a payee that waits has its moment before it": """
        SELECT method_id AS method, number FROM core_payeeversion AS version
        WHERE in_force_at IS NULL AND withdrawn_at IS NULL AND NOT EXISTS (
            SELECT FROM engine_effect WHERE kind = 'payee.put_in_force' AND state NOT IN ('done', 'skipped')
                AND payload ->> 'version' = version.id::text)
            AND EXISTS (SELECT FROM core_paymentmethod WHERE id = version.method_id)""",
}

LAWS = (
    MONEY
    | REFUNDS
    | CREDIT_NOTES
    | DOCUMENTS
    | BANK
    | CREDITS
    | ACCOUNT_STATUS
    | TIME
    | MAILS
    | GUARDS
    | PAYEES
    | RIGHTS
    | LIVENESS
    | CLAIMS
    | PLACES
)
