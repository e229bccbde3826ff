"""A line of the ledger keeps in a column who of the staff wrote it; the key is checked for old rows in 0047.

Raw SQL, because the key of Django's own AddField is checked while both tables are locked.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

COLUMN = """
    ALTER TABLE core_creditentry ADD COLUMN actor_id uuid NULL;
    ALTER TABLE core_creditentry ADD CONSTRAINT core_creditentry_actor_id_fk FOREIGN KEY (actor_id)
        REFERENCES core_user (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0043_transitions_by_time")]

    operations = [
        migrations.RunSQL(
            COLUMN,
            "ALTER TABLE core_creditentry DROP COLUMN actor_id",
            state_operations=[
                migrations.AddField(
                    model_name="creditentry",
                    name="actor",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
