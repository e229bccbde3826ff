"""Payments without an invoice, and parts that were taken back, while the service runs.

Not one transaction, so each step may be taken twice: `migrate` begins again where a table was locked.
"""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import core.models.base
from core.models.guards import OutsiderDecides
from engine.triggers import Frozen, StatusGuard

ADD_ONCE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = 'core_payment'::regclass) THEN
        ALTER TABLE core_payment ADD CONSTRAINT {name} {what} NOT VALID;
    END IF;
END $$;"""
VALIDATE = "ALTER TABLE core_payment VALIDATE CONSTRAINT {name};"
VIEW = """
SELECT id, account_id, invoice_id, currency, amount, received, status,
    submitted_by_id AS submitted_by, decided_by_id AS decided_by{more}
FROM core_payment"""
EDGES = [
    "approve:pending_approval>approved", "begin:>pending_approval", "reject:pending_approval>failed",
    "reverse:succeeded>reversed", "settle:approved>succeeded", "withdraw:pending_approval>cancelled",
]  # fmt: skip
GROWS = Frozen(name="payment_returned_only_grows", columns=["returned"], when="NEW.returned < OLD.returned")
BY_OUTSIDER = OutsiderDecides(
    name="payment_part_reversed_by_outsider", machine="payment", verbs=["reverse_part"], changed="returned"
)
FROZEN_LINE = Frozen(name="payment_bank_line_frozen", columns=["bank_line_id"])


def add_check(name, sql, condition):
    """Rows are read without a lock that stops writes."""
    return migrations.RunSQL(
        [ADD_ONCE.format(name=name, what=f"CHECK ({sql})"), VALIDATE.format(name=name)],
        f"ALTER TABLE core_payment DROP CONSTRAINT IF EXISTS {name}",
        state_operations=[
            migrations.AddConstraint("payment", models.CheckConstraint(name=name, condition=condition))
        ],
    )


def put_trigger(trigger):
    def put(apps, schema_editor):
        sql = trigger.create_sql(apps.get_model("core", "Payment"), schema_editor)
        schema_editor.execute(sql.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER"), params=None)

    return put


def drop_trigger(trigger):
    def drop(apps, schema_editor):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON core_payment")

    return drop


def add_trigger(trigger):
    return migrations.SeparateDatabaseAndState(
        [migrations.RunPython(put_trigger(trigger), drop_trigger(trigger))],
        [migrations.AddConstraint("payment", trigger)],
    )


def guard(*more):
    return StatusGuard(name="payment_status_guard", machine="payment", edges=[*EDGES, *more])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0006_service_users")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE core_payment ALTER COLUMN invoice_id DROP NOT NULL;",
            "ALTER TABLE core_payment ALTER COLUMN invoice_id SET NOT NULL;",
            state_operations=[
                migrations.AlterField(
                    "payment",
                    "invoice",
                    models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="core.invoice"),
                )
            ],
        ),
        migrations.RunSQL(
            [
                "ALTER TABLE core_payment ADD COLUMN IF NOT EXISTS bank_line_id uuid NULL;",
                ADD_ONCE.format(
                    name="payment_bank_line",
                    what="FOREIGN KEY (bank_line_id) REFERENCES core_statementline (id) DEFERRABLE INITIALLY DEFERRED",
                ),
                VALIDATE.format(name="payment_bank_line"),
            ],
            "ALTER TABLE core_payment DROP COLUMN IF EXISTS bank_line_id",
            state_operations=[
                migrations.AddField(
                    "payment",
                    "bank_line",
                    models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="core.statementline"),
                )
            ],
        ),
        add_check(
            "payment_on_account_is_of_a_line",
            "invoice_id IS NOT NULL OR bank_line_id IS NOT NULL",
            models.Q(("invoice__isnull", False), ("bank_line__isnull", False), _connector="OR"),
        ),
        add_trigger(FROZEN_LINE),
        migrations.RunSQL(
            "ALTER TABLE core_payment ADD COLUMN IF NOT EXISTS returned numeric(19, 4) DEFAULT 0 NOT NULL;",
            "ALTER TABLE core_payment DROP COLUMN IF EXISTS returned",
            state_operations=[
                migrations.AddField(
                    "payment",
                    "returned",
                    core.models.base.MoneyField(db_default=Decimal("0"), default=Decimal("0"), editable=False),
                )
            ],
        ),
        add_check(
            "payment_returned_is_a_part",
            "returned = 0 OR returned > 0 AND returned < received AND status IN ('succeeded', 'reversed')",
            models.Q(
                ("returned", 0),
                models.Q(("returned__gt", 0), ("returned__lt", models.F("received")), ("status__in", ["succeeded", "reversed"])),
                _connector="OR",
            ),
        ),
        add_trigger(GROWS),
        add_trigger(BY_OUTSIDER),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunPython(
                    put_trigger(guard("reverse_part:succeeded>succeeded")), put_trigger(guard())
                )
            ],
            [
                migrations.RemoveConstraint("payment", "payment_status_guard"),
                migrations.AddConstraint("payment", guard("reverse_part:succeeded>succeeded")),
            ],
        ),
        migrations.RunSQL(
            f"CREATE OR REPLACE VIEW audit.payments AS {VIEW.format(more=', returned')};",
            [  # a column cannot be taken from a view
                "DROP VIEW audit.payments;",
                f"CREATE VIEW audit.payments AS {VIEW.format(more='')};",
            ],
        ),
    ]  # fmt: skip
