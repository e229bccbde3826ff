"""A person of a closed account keeps a digest of their address, which is free for a new sign-up."""

import django.contrib.postgres.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0027_price_offered_once")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="former_email_digest",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("former_email_digest", ""), ("is_active", False), _connector="OR"),
                name="user_without_address_is_inactive",
            ),
        ),
    ]
