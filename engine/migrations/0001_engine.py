import datetime
import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import engine.ids
import engine.triggers


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("note", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("completed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "batches",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("completed_at__isnull", False),
                                (
                                    "total",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("done"), "+", models.F("skipped")
                                    ),
                                ),
                            ),
                            models.Q(
                                ("completed_at__isnull", True),
                                (
                                    "total__gt",
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("done"), "+", models.F("skipped")
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="batch_complete_by_count",
                    ),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("completed_at__isnull", True)), fields=["id"], name="batch_open"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CircuitBreaker",
            fields=[
                ("kind", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("paused_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Effect",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000"))),
                ("machine", models.CharField(blank=True, max_length=40)),
                ("object_id", models.UUIDField(null=True)),
                ("seq", models.PositiveIntegerField(default=0)),
                ("key", models.CharField(max_length=200, unique=True)),
                ("kind", models.CharField(max_length=60)),
                ("revision", models.PositiveSmallIntegerField(default=1)),
                ("payload", models.JSONField(default=dict)),
                ("lane", models.CharField(max_length=20)),
                ("ordered", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("ready", "Ready"),
                            ("leased", "Leased"),
                            ("done", "Done"),
                            ("dead", "Dead"),
                            ("uncertain", "Uncertain"),
                            ("skipped", "Skipped"),
                        ],
                        default="ready",
                        max_length=10,
                    ),
                ),
                ("run_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("fence", models.PositiveIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("lease_pid", models.IntegerField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("crashes", models.PositiveSmallIntegerField(default=0)),
                ("solo", models.BooleanField(default=False)),
                ("last_error", models.TextField(blank=True)),
                ("cause", models.CharField(blank=True, db_default="", default="", max_length=120)),
                ("outcome", models.JSONField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("done_at", models.DateTimeField(null=True)),
                ("took", models.PositiveIntegerField(null=True)),
                (
                    "batch",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="effects",
                        to="engine.batch",
                    ),
                ),
            ],
            options={
                "constraints": [
                    engine.triggers.CountsBatch(name="effect_counts_batch"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("batch__isnull", False)), fields=["batch", "state"], name="effect_of_batch"
                    ),
                    models.Index(
                        condition=models.Q(("state", "ready")), fields=["lane", "account_id", "id"], name="effect_ready"
                    ),
                    models.Index(
                        condition=models.Q(("fence__gte", 0), ("state", "ready")),
                        fields=["lane", "run_at"],
                        name="effect_ready_lately",
                    ),
                    models.Index(condition=models.Q(("state", "waiting")), fields=["run_at"], name="effect_waiting"),
                    models.Index(
                        condition=models.Q(("state", "waiting")),
                        fields=["account_id", "run_at"],
                        name="effect_waiting_of",
                    ),
                    models.Index(
                        condition=models.Q(("failing_since__isnull", True), ("fence__gt", 0), ("state", "waiting")),
                        fields=["account_id"],
                        name="effect_put_off",
                    ),
                    models.Index(condition=models.Q(("state", "leased")), fields=["lease_until"], name="effect_leased"),
                    models.Index(
                        condition=models.Q(("solo", True), ("state", "ready")), fields=["id"], name="effect_solo"
                    ),
                    models.Index(
                        condition=models.Q(
                            ("ordered", True), models.Q(("state__in", ["done", "skipped"]), _negated=True)
                        ),
                        fields=["object_id", "seq"],
                        name="effect_ordered",
                    ),
                    models.Index(
                        condition=models.Q(("failing_since__isnull", False), ("state", "waiting")),
                        fields=["kind", "cause"],
                        name="effect_failing",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["dead", "uncertain"])),
                        fields=["state", "-id"],
                        name="effect_on_the_desk",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="batch",
            name="then",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="awaited",
                to="engine.effect",
            ),
        ),
        migrations.CreateModel(
            name="EffectEvent",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("failed", "Failed"),
                            ("crashed", "Crashed"),
                            ("died", "Died"),
                            ("uncertain", "Uncertain"),
                            ("retried", "Retried"),
                            ("edited", "Edited"),
                            ("skipped", "Skipped"),
                        ],
                        max_length=10,
                    ),
                ),
                ("fence", models.PositiveIntegerField(default=0)),
                ("detail", models.TextField(blank=True)),
                ("payload", models.JSONField(null=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "effect",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="engine.effect"
                    ),
                ),
            ],
            options={
                "constraints": [
                    engine.triggers.AppendOnly(name="effect_event_append_only"),
                ],
            },
        ),
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
                    engine.triggers.NoDelete(name="effect_pause_kept"),
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
        migrations.CreateModel(
            name="ScheduledRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("schedule", models.CharField(max_length=60)),
                ("slot", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("schedule", "slot"), name="tick_once")],
            },
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                ("name", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("free_at", models.DateTimeField(null=True)),
                ("rate", models.CharField(blank=True, max_length=10)),
                ("every", models.DurationField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("rate", ""), ("rate__regex", "^[1-9][0-9]{0,5}/[smh]$"), _connector="OR"),
                        name="throttle_rate",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("every", None), ("rate", "")),
                            models.Q(
                                models.Q(("rate", ""), _negated=True),
                                ("every__gt", datetime.timedelta(0)),
                                ("every__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="throttle_every",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000"))),
                ("machine", models.CharField(max_length=40)),
                ("object_id", models.UUIDField()),
                ("seq", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=60)),
                ("source", models.CharField(blank=True, max_length=20)),
                ("target", models.CharField(max_length=20)),
                ("reason", models.TextField(blank=True)),
                ("inputs", models.JSONField(default=dict)),
                ("request_key", models.CharField(max_length=255, null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("trace", models.CharField(blank=True, max_length=55)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "cause",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consequences",
                        to="engine.transition",
                    ),
                ),
            ],
            options={
                "constraints": [
                    engine.triggers.AppendOnly(name="transition_append_only"),
                    models.UniqueConstraint(fields=("machine", "object_id", "seq"), name="transition_seq"),
                    models.UniqueConstraint(
                        condition=models.Q(("request_key__isnull", False)),
                        fields=("actor", "request_key"),
                        name="transition_request_key",
                        nulls_distinct=False,
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("actor__isnull", False)), fields=["actor"], name="transition_by_person"
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="transition_by_time"),
                ],
            },
        ),
        migrations.AddField(
            model_name="effect",
            name="transition",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="effects", to="engine.transition"
            ),
        ),
    ]
