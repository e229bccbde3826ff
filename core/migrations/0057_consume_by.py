"""An account says who may use its credits: all, so far. The check is made for old rows in 0058."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0056_rights_have_rows")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="consume_by",
            field=models.CharField(
                choices=[("all", "All"), ("member", "Member"), ("admin", "Admin")],
                db_default="all",
                default="all",
                editable=False,
                max_length=10,
            ),
        ),
        AddConstraintNotValid(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(("consume_by__in", ["all", "member", "admin"])), name="account_consume_by_known"
            ),
        ),
    ]
