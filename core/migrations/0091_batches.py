"""Effects that belong together: counted by the database, and followed by one when all of them are over."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import engine.ids
import engine.triggers


class Migration(migrations.Migration):
    dependencies = [("core", "0088_failing")]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("total", models.PositiveIntegerField(default=0)),
                ("done", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("note", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("completed_at", models.DateTimeField(null=True)),
                (
                    "then",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="awaited",
                        to="core.effect",
                    ),
                ),
            ],
            options={"verbose_name_plural": "batches"},
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("completed_at__isnull", False),
                        ("total", models.F("done") + models.F("skipped")),
                    ),
                    models.Q(
                        ("completed_at__isnull", True),
                        ("total__gt", models.F("done") + models.F("skipped")),
                    ),
                    _connector="OR",
                ),
                name="batch_complete_by_count",
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(condition=models.Q(("completed_at__isnull", True)), fields=["id"], name="batch_open"),
        ),
        migrations.AddField(
            model_name="effect",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="effects",
                to="core.batch",
            ),
        ),
        migrations.AddConstraint(
            model_name="effect",
            constraint=engine.triggers.CountsBatch(name="effect_counts_batch"),
        ),
    ]
