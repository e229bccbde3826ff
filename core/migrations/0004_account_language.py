"""The language of an account's mails. The database has the default too, for the release that runs until the next starts."""

from django.db import migrations, models

import core.models.account


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit_views")]

    operations = [
        migrations.AddField(
            "account",
            "language",
            models.CharField(choices=core.models.account.languages, db_default="en", default="en", max_length=10),
        ),
    ]
