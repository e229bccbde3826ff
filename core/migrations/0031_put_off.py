"""What of a tenant was put off is found without reading every timer."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0030_further_claims")]

    operations = [
        AddIndexConcurrently(
            model_name="effect",
            index=models.Index(
                condition=models.Q(("failing_since__isnull", True), ("fence__gt", 0), ("state", "waiting")),
                fields=["account_id"],
                name="effect_put_off",
            ),
        ),
    ]
