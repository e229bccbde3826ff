"""A payment keeps the link that it was claimed by; safe while the service runs, and each step may be taken twice."""

import django.db.models.deletion
from django.db import migrations, models

from core.models.guards import LinkMakerApart
from engine.triggers import Frozen

ADD_ONCE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = 'core_payment'::regclass) THEN
        ALTER TABLE core_payment ADD CONSTRAINT {name} {what} NOT VALID;
    END IF;
END $$;"""
VALIDATE = "ALTER TABLE core_payment VALIDATE CONSTRAINT {name};"
HAS_INVOICE = "payment_by_link_has_invoice"


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


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("core", "0018_invoice_links"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE core_payment ADD COLUMN IF NOT EXISTS claimed_by_link_id uuid NULL;",
                ADD_ONCE.format(  # of both columns: the link is of the payment's invoice
                    name="payment_claimed_by_link",
                    what="FOREIGN KEY (invoice_id, claimed_by_link_id) REFERENCES core_invoicelink (invoice_id, id) "
                    "DEFERRABLE INITIALLY DEFERRED",
                ),
                VALIDATE.format(name="payment_claimed_by_link"),
            ],
            "ALTER TABLE core_payment DROP COLUMN IF EXISTS claimed_by_link_id",
            state_operations=[
                migrations.AddField(
                    "payment",
                    "claimed_by_link",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.invoicelink",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            [
                ADD_ONCE.format(name=HAS_INVOICE, what="CHECK (claimed_by_link_id IS NULL OR invoice_id IS NOT NULL)"),
                VALIDATE.format(name=HAS_INVOICE),
            ],
            f"ALTER TABLE core_payment DROP CONSTRAINT IF EXISTS {HAS_INVOICE}",
            state_operations=[
                migrations.AddConstraint(
                    "payment",
                    models.CheckConstraint(
                        condition=models.Q(
                            ("claimed_by_link__isnull", True), ("invoice__isnull", False), _connector="OR"
                        ),
                        name=HAS_INVOICE,
                    ),
                )
            ],
        ),
        add_trigger(Frozen(name="payment_link_frozen", columns=["claimed_by_link_id"])),
        add_trigger(LinkMakerApart(name="payment_link_maker_apart")),
    ]
