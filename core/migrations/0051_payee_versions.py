"""Where money is sent has versions, which are asked for by one person and confirmed by another."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import core.models.payee_guards
import core.models.row
import engine.ids
import engine.triggers

PERSON = {
    "db_index": False,
    "null": True,
    "on_delete": django.db.models.deletion.PROTECT,
    "related_name": "+",
    "to": settings.AUTH_USER_MODEL,
}


class Migration(migrations.Migration):
    dependencies = [("core", "0047_author_checked")]

    operations = [
        migrations.AddField(
            model_name="paymentmethod",
            name="payee_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="paymentmethod",
            name="shown_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="policy",
            name="payee_wait_hours",
            field=models.PositiveSmallIntegerField(
                db_default=4,
                default=4,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(720),
                ],
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="payee_wait_hours_alone",
            field=models.PositiveSmallIntegerField(
                db_default=24,
                default=24,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(720),
                ],
            ),
        ),
        migrations.CreateModel(
            name="PayeeVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("number", models.PositiveIntegerField()),
                ("fields", models.JSONField(default=dict)),
                ("instructions", models.JSONField(default=dict)),
                ("tolerance_percent", models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ("tolerance_max", core.models.row.MoneyField(default=0)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("wait_hours", models.PositiveSmallIntegerField(default=0)),
                ("alone_hours", models.PositiveSmallIntegerField(default=0)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("at_once", models.BooleanField(default=False)),
                ("in_force_at", models.DateTimeField(null=True)),
                (
                    "method",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="core.paymentmethod",
                    ),
                ),
                ("asked_by", models.ForeignKey(**PERSON)),
                ("confirmed_by", models.ForeignKey(**PERSON)),
                ("withdrawn_by", models.ForeignKey(**PERSON)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("method", "number"), name="payee_version_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("in_force_at", None), ("withdrawn_at", None)),
                        fields=("method",),
                        name="payee_version_one_waits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confirmed_by", None),
                            models.Q(("confirmed_by", models.F("asked_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="payee_version_confirmed_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("in_force_at", None), ("withdrawn_at", None), _connector="OR"),
                        name="payee_version_ends_once",
                    ),
                    engine.triggers.Kept(name="payee_version_kept"),
                    core.models.payee_guards.PayeeVersionKept(name="payee_version_guard"),
                ],
            },
        ),
    ]
