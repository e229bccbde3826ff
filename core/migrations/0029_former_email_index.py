"""People are found by a former address; the check of the migration before is verified without a lock."""

import django.contrib.postgres.operations
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0028_former_email")]

    operations = [
        django.contrib.postgres.operations.ValidateConstraint(
            model_name="user", name="user_without_address_is_inactive"
        ),
        django.contrib.postgres.operations.AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                condition=models.Q(("former_email_digest", ""), _negated=True),
                fields=["former_email_digest"],
                name="user_by_former_email",
            ),
        ),
    ]
