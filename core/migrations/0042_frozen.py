"""What was issued and decided is frozen, the admin's log is insert-only, each day of the history is closed by a head.

The function of the append-only tables is written again, because it knows now what it is to be thawed.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

import engine.triggers

LOG = """
CREATE TRIGGER admin_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON django_admin_log
FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();

-- With the rights of its owner, for who may only insert: what rows were called is forgotten with a person, also where
-- the admin's own message names a row beside them. Nothing else of them changes.
CREATE FUNCTION countersign_blank_log(keys int[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('countersign.thaw', true), '');
    changed bigint;
BEGIN
    PERFORM set_config('countersign.thaw', 'public.django_admin_log', true);
    WITH blanked AS (
        SELECT id, regexp_replace(change_message, '"object": "([^"\\\\]|\\\\.)*"', '"object": "Erased"', 'g') AS message
        FROM public.django_admin_log WHERE id = ANY (keys))
    UPDATE public.django_admin_log AS line SET object_repr = 'Erased', change_message = blanked.message
    FROM blanked WHERE line.id = blanked.id
        AND (line.object_repr, line.change_message) IS DISTINCT FROM ('Erased', blanked.message);
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('countersign.thaw', before, true);
    RETURN changed;
END $$;
REVOKE ALL ON FUNCTION countersign_blank_log(int[]) FROM PUBLIC;
"""
UNLOG = """
DROP FUNCTION countersign_blank_log(int[]);
DROP TRIGGER admin_log_append_only ON django_admin_log;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0041_known_members")]

    operations = [
        migrations.RunSQL(engine.triggers.APPEND_ONLY_FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(LOG, UNLOG),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=engine.triggers.Frozen(
                name="invoice_frozen",
                columns=[
                    "account_id",
                    "currency",
                    "issued_on",
                    "metadata->agreed",
                    "metadata->billing_snapshot",
                    "metadata->subscription_id",
                    "number",
                    "period_end",
                    "period_start",
                    "purpose",
                    "subscription_id",
                    "total",
                ],
                when="OLD.status <> 'draft'",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=engine.triggers.Frozen(
                name="payment_claim_frozen",
                columns=["account_id", "currency", "invoice_id", "submitted_by_id"],
                once=["decided_by_id", "received", "reversed_by_id"],
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=engine.triggers.Frozen(
                name="payment_decision_frozen",
                columns=["amount", "decided_by_id", "received", "reference"],
                when="OLD.status <> 'pending_approval'",
            ),
        ),
        migrations.CreateModel(
            name="HistoryHead",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("transitions", models.PositiveBigIntegerField()),
                ("previous", models.CharField(blank=True, max_length=64)),
                ("head", models.CharField(max_length=64)),
                ("closed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={"constraints": [engine.triggers.AppendOnly(name="history_head_append_only")]},
        ),
        migrations.CreateModel(
            name="TransitionDigest",
            fields=[
                ("transition_id", models.UUIDField(primary_key=True, serialize=False)),
                ("day", models.DateField(db_index=True)),
                ("salt", models.UUIDField(null=True)),
                ("texts", models.CharField(max_length=64)),
                ("whole", models.CharField(max_length=64)),
            ],
            options={
                "constraints": [
                    engine.triggers.Kept(name="transition_digest_kept"),
                    engine.triggers.Frozen(
                        name="transition_digest_frozen",
                        columns=["day", "texts", "transition_id", "whole"],
                        blankable=["salt"],
                    ),
                ],
            },
        ),
    ]
