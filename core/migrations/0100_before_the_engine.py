"""The engine becomes an app of its own, which finds the tables that were made until here."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0081_timers_by_tenant")]

    run_before = [("engine", "0001_initial")]

    operations = []
