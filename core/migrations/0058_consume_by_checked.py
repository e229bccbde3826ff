"""The check of 0057 is made for the rows of before, while everybody goes on writing."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0057_consume_by")]

    operations = [ValidateConstraint(model_name="account", name="account_consume_by_known")]
