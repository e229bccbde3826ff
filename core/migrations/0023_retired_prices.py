"""A price is retired instead of changed or deleted: subscriptions and invoices refer to what was chosen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0022_fold_references")]

    operations = [
        migrations.AddField("planprice", "retired_at", models.DateTimeField(blank=True, editable=False, null=True)),
    ]
