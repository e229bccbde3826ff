"""Foreign keys that carry the tenant: a payment cannot pay another account's invoice, whatever the code says."""

from django.db import migrations

KEYS = {
    "payment_invoice_same_account": ("core_payment", "invoice_id", "core_invoice"),
    "allocation_payment_same_account": ("core_allocation", "payment_id", "core_payment"),
    "allocation_invoice_same_account": ("core_allocation", "invoice_id", "core_invoice"),
}


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (account_id, {column}) "
            f"REFERENCES {target} (account_id, id) DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE {table} DROP CONSTRAINT {name}",
        )
        for name, (table, column, target) in KEYS.items()
    ]
