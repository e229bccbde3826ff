"""Which billing address has been proved, and which refuses mail for good."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0031_put_off")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="proved_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="account",
            name="proved_email",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=254),
        ),
        migrations.AddField(
            model_name="account",
            name="refused_email",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=254),
        ),
    ]
