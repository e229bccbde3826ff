"""What became due lately is found without stepping over all that was due before."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0015_fewer_indexes")]

    operations = [
        AddIndexConcurrently(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("fence__gte", 0), ("state", "ready")),
                fields=["lane", "run_at"],
                name="effect_ready_lately",
            ),
        ),
    ]
