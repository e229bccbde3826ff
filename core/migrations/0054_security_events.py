"""What touches security and was done, and how often something was refused for its sake."""

from django.db import migrations, models
from django.db.models.functions import Now

import engine.ids
from engine.triggers import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("core", "0053_payees_validated")]

    operations = [
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                ("event", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("total", models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="SecurityEvent",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(db_default=Now())),
                ("name", models.CharField(max_length=40)),
                ("actor", models.UUIDField(null=True)),
                ("person", models.UUIDField(null=True)),
                ("facts", models.JSONField(default=dict)),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "indexes": [models.Index(fields=["person", "id"], name="security_event_by_person")],
                "constraints": [AppendOnly(name="security_event_append_only")],
            },
        ),
    ]
