"""What failed and is tried again, by why."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0087_causes")]

    operations = [
        AddIndexConcurrently(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("failing_since__isnull", False), ("state", "waiting")),
                fields=["kind", "cause"],
                name="effect_failing",
            ),
        ),
    ]
