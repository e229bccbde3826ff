"""The same reference elsewhere is asked for each claim that is reviewed."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: payments go on while it is built

    dependencies = [("core", "0007_attempts")]

    operations = [
        AddIndexConcurrently(
            "payment",
            models.Index(
                name="payment_by_reference",
                fields=["reference_key"],
                condition=models.Q(("reference_key", ""), _negated=True),
            ),
        ),
    ]
