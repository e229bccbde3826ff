"""How a method's transaction ids look, and how long a text its rail carries. An unfinished method may lack fields."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0004_account_language")]

    # The database has the defaults too, for the release that runs until the next starts.
    operations = [
        migrations.AddField(
            "paymentmethod", "reference_pattern", models.CharField(blank=True, db_default="", default="", max_length=100)
        ),
        migrations.AddField(
            "paymentmethod", "reference_example", models.CharField(blank=True, db_default="", default="", max_length=140)
        ),
        migrations.AddField("paymentmethod", "reference_max", models.PositiveSmallIntegerField(blank=True, null=True)),
        migrations.AlterField("paymentmethod", "fields", models.JSONField(blank=True, default=dict)),
        migrations.AlterField("paymentmethod", "requires", models.JSONField(blank=True, default=list)),
    ]
