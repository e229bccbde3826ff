"""The engine becomes an app of its own, which finds the tables that were made until here."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0092_batches_by_state")]

    run_before = [("engine", "0001_initial")]

    operations = []
