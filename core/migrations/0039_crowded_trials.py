"""Trials that began where many did, for staff to look at."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import engine.ids


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0038_invited_members"),
    ]

    operations = [
        migrations.CreateModel(
            name="CrowdedTrial",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("reason", models.CharField(choices=[("network", "Network"), ("domain", "Domain")], max_length=10)),
                ("key", models.CharField(max_length=254)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("seen_at", models.DateTimeField(editable=False, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="crowds", to="core.account"
                    ),
                ),
                (
                    "seen_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("seen_at__isnull", True)),
                        fields=["reason", "key"],
                        name="crowded_trial_unseen",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("account", "reason"), name="crowded_trial_once")],
            },
        ),
    ]
