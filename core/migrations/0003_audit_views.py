"""Read-only views in the schema `audit`: stable names for reports and for whoever checks our promises by SQL."""

from django.db import migrations

VIEWS = {
    "accounts": "SELECT id, status, credits FROM core_account",
    "subscriptions": """
        SELECT s.id, s.account_id, p.code AS plan, s.status, s.period_start, s.period_end
        FROM core_subscription s JOIN core_plan p ON p.id = s.plan_id""",
    "invoices": "SELECT id, account_id, number, currency, total, allocated, status, due_on FROM core_invoice",
    "payments": """
        SELECT id, account_id, invoice_id, currency, amount, received, status,
            submitted_by_id AS submitted_by, decided_by_id AS decided_by
        FROM core_payment""",
    "allocations": "SELECT payment_id, invoice_id, amount FROM core_allocation",
    "balance_entries": "SELECT id, account_id, currency, amount, payment_id FROM core_balanceentry",
    "credit_entries": "SELECT id, account_id, amount, kind, key, balance_after FROM core_creditentry",
    "transitions": """
        SELECT id, nullif(account_id, '00000000-0000-0000-0000-000000000000') AS account_id, machine, object_id, seq,
            name, source, target, actor_id, cause_id, at
        FROM core_transition""",
    "effects": """
        SELECT id, nullif(account_id, '00000000-0000-0000-0000-000000000000') AS account_id, transition_id, key, kind,
            state, attempts, run_at, done_at, last_error
        FROM core_effect""",
    "mails": """
        SELECT e.id AS effect_id, e.outcome ->> 'kind' AS kind, r.recipient, e.outcome ->> 'message_id' AS message_id,
            e.done_at AS sent_at
        FROM core_effect e CROSS JOIN LATERAL jsonb_array_elements_text(e.outcome -> 'recipients') AS r(recipient)
        WHERE e.state = 'done' AND e.outcome ? 'message_id'""",
}


class Migration(migrations.Migration):
    dependencies = [("core", "0002_tenant_keys")]

    operations = [
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS audit", "DROP SCHEMA IF EXISTS audit"),
        *(
            migrations.RunSQL(
                f"CREATE VIEW audit.{name} WITH (security_invoker = true) AS {select}", f"DROP VIEW audit.{name}"
            )
            for name, select in VIEWS.items()
        ),
    ]
