"""On how many days claims have held an invoice up. The days of before are not known: they are 0."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0058_consume_by_checked")]

    operations = [
        migrations.AddField(
            model_name="invoice",
            name="held_days",
            field=models.SmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="invoice",
            name="held_on",
            field=models.DateField(editable=False, null=True),
        ),
    ]
