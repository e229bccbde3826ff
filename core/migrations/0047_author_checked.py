"""The key of 0045 is checked for the lines of before, while everybody goes on writing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0046_authors_of_lines")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE core_creditentry VALIDATE CONSTRAINT core_creditentry_actor_id_fk", migrations.RunSQL.noop
        ),
    ]
