"""Of the prices that are offered there is one for each currency and interval; retired ones may be many."""

from django.db import migrations, models
from django.db.models import Q

INDEX = "plan_price_offered_once"
# The index above has taken its place, also for processes of the release before, which retire nothing.
DROP = "-- squawk-ignore ban-drop-constraint\nALTER TABLE core_planprice DROP CONSTRAINT plan_price_once"
ADD_AGAIN = """ALTER TABLE core_planprice
    ADD CONSTRAINT plan_price_once UNIQUE (plan_id, currency, "interval")"""


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY

    dependencies = [("core", "0026_settings_validated")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"""CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {INDEX}
                        ON core_planprice (plan_id, currency, "interval") WHERE retired_at IS NULL""",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
                )
            ],
            state_operations=[
                migrations.AddConstraint(
                    "planprice",
                    models.UniqueConstraint(
                        name=INDEX, fields=["plan", "currency", "interval"], condition=Q(retired_at=None)
                    ),
                )
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL([DROP], [ADD_AGAIN])],
            state_operations=[migrations.RemoveConstraint("planprice", "plan_price_once")],
        ),
    ]
