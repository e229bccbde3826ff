"""The transitions of a day are found without reading all."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0042_frozen")]

    operations = [
        AddIndexConcurrently(
            model_name="transition",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="transition_by_time"),
        ),
    ]
