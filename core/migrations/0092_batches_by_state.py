"""The effects of a batch by their state: built beside the work of others, and of nearly no rows."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0091_batches")]

    operations = [
        AddIndexConcurrently(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)), fields=["batch", "state"], name="effect_of_batch"
            ),
        ),
    ]
