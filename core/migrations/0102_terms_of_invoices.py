"""An invoice keeps the terms that it was issued on in columns; the key is checked for old rows in 0104.

Raw SQL for it, because the key of Django's own AddField is checked while both tables are locked.
"""

import django.db.models.deletion
from django.db import migrations, models

import core.models.row

COLUMN = """
    ALTER TABLE core_invoice ADD COLUMN plan_id uuid NULL;
    ALTER TABLE core_invoice ADD CONSTRAINT core_invoice_plan_id_fk FOREIGN KEY (plan_id)
        REFERENCES core_plan (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0101_engine_apart")]

    operations = [
        migrations.RunSQL(
            COLUMN,
            "ALTER TABLE core_invoice DROP COLUMN plan_id",
            state_operations=[
                migrations.AddField(
                    model_name="invoice",
                    name="plan",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.plan",
                    ),
                ),
            ],
        ),
        migrations.AddField("invoice", "plan_price", core.models.row.MoneyField(null=True)),
        migrations.AddField("invoice", "plan_credits", models.PositiveIntegerField(null=True)),
        migrations.AddField(
            "invoice",
            "plan_interval",
            models.CharField(
                blank=True, choices=[("month", "Month"), ("year", "Year")], db_default="", default="", max_length=5
            ),
        ),
    ]
