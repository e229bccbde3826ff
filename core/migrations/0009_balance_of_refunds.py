"""What a refund took of the balance; safe while the service runs, and may be run twice."""

import django.db.models.deletion
from django.db import migrations, models

VIEW = "SELECT id, account_id, currency, amount, payment_id{more} FROM core_balanceentry"


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("core", "0008_refunds"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE core_balanceentry ADD COLUMN IF NOT EXISTS refund_id uuid NULL;",
                """DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'core_balanceentry_refund_id_fk') THEN
                        ALTER TABLE core_balanceentry ADD CONSTRAINT core_balanceentry_refund_id_fk
                            FOREIGN KEY (refund_id) REFERENCES core_refund (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
                    END IF;
                END $$;""",
                "ALTER TABLE core_balanceentry VALIDATE CONSTRAINT core_balanceentry_refund_id_fk;",
            ],
            [
                "DROP VIEW audit.balance_entries;",  # a column cannot be taken from a view
                "ALTER TABLE core_balanceentry DROP COLUMN IF EXISTS refund_id;",
                f"CREATE VIEW audit.balance_entries AS {VIEW.format(more='')};",
            ],
            state_operations=[
                migrations.AddField(
                    "balanceentry",
                    "refund",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="balance_entries",
                        to="core.refund",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            [
                "DROP INDEX CONCURRENTLY IF EXISTS balance_entry_of_refund;",  # half of one, of a run that was killed
                """CREATE INDEX CONCURRENTLY balance_entry_of_refund ON core_balanceentry (refund_id)
                   WHERE refund_id IS NOT NULL;""",
            ],
            migrations.RunSQL.noop,  # goes with its column
            state_operations=[
                migrations.AddIndex(
                    "balanceentry",
                    models.Index(
                        condition=models.Q(("refund__isnull", False)), fields=["refund"], name="balance_entry_of_refund"
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            f"CREATE OR REPLACE VIEW audit.balance_entries AS {VIEW.format(more=', refund_id')};",
            migrations.RunSQL.noop,  # above
        ),
    ]
