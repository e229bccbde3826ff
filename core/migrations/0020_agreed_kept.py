"""What is chosen for the next period is whole, and what ends has none; an effect allocates once."""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

ONCE = models.UniqueConstraint(
    name="allocation_once_by_effect",
    fields=["payment", "invoice", "effect_id"],
    condition=Q(("reverses__isnull", True)),
)
WHOLE = models.CheckConstraint(
    name="subscription_next_is_whole",
    condition=Q(
        ("next_credits__isnull", True),
        ("next_interval__isnull", True),
        ("next_plan__isnull", True),
        ("next_price__isnull", True),
    )
    | Q(
        ("next_credits__isnull", False),
        ("next_interval__isnull", False),
        ("next_plan__isnull", False),
        ("next_price__isnull", False),
        ("next_price__gte", Decimal(0)),
        ("next_price__lt", Decimal("1000000000000")),
    ),
)
ENDS = models.CheckConstraint(
    name="subscription_ends_or_goes_on",
    condition=Q(("cancel_at_period_end", False), ("next_plan__isnull", True), _connector="OR"),
)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0019_agreed_before")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    """CREATE UNIQUE INDEX CONCURRENTLY allocation_once_by_effect
                       ON core_allocation (payment_id, invoice_id, effect_id) WHERE reverses_id IS NULL""",
                    "DROP INDEX CONCURRENTLY IF EXISTS allocation_once_by_effect",
                ),
                migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS allocation_once", migrations.RunSQL.noop),
            ],
            state_operations=[
                migrations.AddConstraint(model_name="allocation", constraint=ONCE),
                migrations.RemoveConstraint(model_name="allocation", name="allocation_once"),
            ],
        ),
        AddConstraintNotValid(model_name="subscription", constraint=WHOLE),
        ValidateConstraint(model_name="subscription", name="subscription_next_is_whole"),
        AddConstraintNotValid(model_name="subscription", constraint=ENDS),
        ValidateConstraint(model_name="subscription", name="subscription_ends_or_goes_on"),
    ]
