"""Who may do what, and who said so; how long a right waits in a firm of one."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

import engine.ids
from core.models.duty import ClockTimestamp
from core.models.guards import SetOnce
from core.models.row import JsonFits
from engine.triggers import Kept

LIST_OF_WORDS = 'strict $.type() == "array" && !exists($[*] ? (@.type() != "string"))'
ONCE = ["confirmed_at", "confirmed_by_id", "in_force_at", "withdrawn_at", "withdrawn_by_id"]
KINDS = [("give", "Give"), ("take", "Take"), ("email", "Email")]
ORIGINS = [("person", "Person"), ("operator", "Operator"), ("before", "Before"), ("database", "Database")]


def somebody(related_name="+"):
    return models.ForeignKey(
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to=settings.AUTH_USER_MODEL,
    )


class Migration(migrations.Migration):
    dependencies = [("core", "0054_security_events")]

    operations = [
        migrations.CreateModel(
            name="DutyGrant",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=KINDS, max_length=10)),
                ("person", somebody("duty_grants")),
                ("group_name", models.CharField(blank=True, max_length=150)),
                ("duties", models.JSONField(default=list)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("origin", models.CharField(choices=ORIGINS, max_length=10)),
                ("asked_by", somebody()),
                ("asked_at", models.DateTimeField(db_default=ClockTimestamp())),
                ("waits_until", models.DateTimeField(null=True)),
                ("confirmed_by", somebody()),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("in_force_at", models.DateTimeField(null=True)),
                ("withdrawn_by", somebody()),
                ("withdrawn_at", models.DateTimeField(null=True)),
            ],
            options={
                "permissions": [("grant_duties", "Ask for and confirm what staff may do")],
                "indexes": [
                    models.Index(
                        condition=Q(("in_force_at", None), ("withdrawn_at", None)),
                        fields=["id"],
                        name="duty_grant_open",
                    )
                ],
                "constraints": [
                    Kept(name="duty_grant_kept"),
                    SetOnce(name="duty_grant_set_once", columns=ONCE, erasable=["email"]),
                    models.CheckConstraint(
                        name="duty_grant_of_one",
                        condition=(Q(person__isnull=False) & Q(group_name=""))
                        | (Q(person__isnull=True) & ~Q(group_name="") & ~Q(origin="person")),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_words",
                        condition=Q(JsonFits("duties", path=LIST_OF_WORDS)) & ~Q(duties=[]),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_asked_by_a_person",
                        condition=Q(origin="person", asked_by__isnull=False, waits_until__isnull=False)
                        | (~Q(origin="person") & Q(asked_by__isnull=True)),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_for_another",
                        condition=Q(asked_by__isnull=True) | ~Q(asked_by=F("person")),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_confirmed_by_another",
                        condition=Q(confirmed_by__isnull=True)
                        | (Q(confirmed_at__isnull=False) & ~Q(confirmed_by=F("person")) & ~Q(confirmed_by=F("asked_by"))),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_in_force_by_two_or_time",
                        condition=Q(in_force_at__isnull=True)
                        | Q(kind="take")
                        | ~Q(origin="person")
                        | Q(confirmed_by__isnull=False)
                        | Q(in_force_at__gte=F("waits_until")),
                    ),
                    models.CheckConstraint(
                        name="duty_grant_withdrawn_or_in_force",
                        condition=Q(in_force_at__isnull=True) | Q(withdrawn_at__isnull=True),
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="policy",
            name="grant_wait_hours",
            field=models.PositiveSmallIntegerField(
                db_default=24,
                default=24,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(720),
                ],
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=Q(("grant_wait_hours__gte", 1), ("grant_wait_hours__lte", 720)),
                name="policy_grant_wait_hours",
            ),
        ),
    ]
