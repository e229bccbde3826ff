"""What waits, by tenant: in a crowd of timers a tenant with many leaves room for the others."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0063_reference_of_one_transfer")]

    operations = [
        AddIndexConcurrently(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["account_id", "run_at"], name="effect_waiting_of"
            ),
        ),
    ]
