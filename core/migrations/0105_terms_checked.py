"""What 0102 and 0104 demand is checked for the invoices of before, while everybody goes on writing."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0104_terms_frozen")]

    operations = [
        migrations.RunSQL("ALTER TABLE core_invoice VALIDATE CONSTRAINT core_invoice_plan_id_fk", migrations.RunSQL.noop),
        ValidateConstraint(model_name="invoice", name="invoice_plan_price_in_range"),
    ]
