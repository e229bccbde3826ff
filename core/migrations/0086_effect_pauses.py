"""What staff have stopped, and what of it they let go."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import engine.ids
import engine.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0085_throttles"),
    ]

    operations = [
        migrations.CreateModel(
            name="EffectPause",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("kind", "Kind"),
                            ("lane", "Lane"),
                            ("tenant", "Tenant"),
                            ("outward", "Outward"),
                            ("all", "All"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=60)),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("until", models.DateTimeField(null=True)),
                (
                    "let_go",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    engine.triggers.Kept(name="effect_pause_kept"),
                    engine.triggers.Frozen(
                        columns=["by_id", "created_at", "name", "reason", "scope"], name="effect_pause_frozen"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("scope", "name"), name="effect_pause_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scope__in", ["kind", "lane"]), models.Q(("name", ""), _negated=True)),
                            models.Q(
                                ("name__regex", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), ("scope", "tenant")
                            ),
                            models.Q(("name", ""), ("scope__in", ["outward", "all"])),
                            _connector="OR",
                        ),
                        name="effect_pause_scope",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="effect_pause_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ended_by", None), ("ended_at__isnull", False), _connector="OR"),
                        name="effect_pause_ended",
                    ),
                    models.CheckConstraint(condition=models.Q(("let_go__len__lte", 1000)), name="effect_pause_let_go"),
                ],
            },
        ),
    ]
