"""What was agreed stands with the subscription, what was given with its invoice; what is not paid of it may be abandoned."""

from django.db import migrations, models

import core.models.row
import engine.triggers

EDGES = [
    "abandon:partially_paid>uncollectible",
    "abandon:pending>uncollectible",
    "begin:>draft",
    "issue:draft>pending",
    "lapse:draft>void",
    "lapse:pending>void",
    "pay:partially_paid>paid",
    "pay:partially_paid>partially_paid",
    "pay:pending>paid",
    "pay:pending>partially_paid",
    "pay:uncollectible>paid",
    "pay:uncollectible>partially_paid",
    "release:paid>partially_paid",
    "release:paid>pending",
    "release:partially_paid>partially_paid",
    "release:partially_paid>pending",
    "void:draft>void",
    "void:pending>void",
    "write_off:partially_paid>uncollectible",
    "write_off:pending>uncollectible",
]


class Migration(migrations.Migration):
    dependencies = [("core", "0017_sessions")]

    operations = [
        migrations.RemoveConstraint(model_name="invoice", name="invoice_status_guard"),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=engine.triggers.StatusGuard(edges=EDGES, machine="invoice", name="invoice_status_guard"),
        ),
        migrations.AddField("allocation", "effect_id", models.UUIDField(null=True)),
        migrations.AddField("invoice", "began_on", models.DateField(null=True)),
        migrations.AddField("subscription", "credits", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField("subscription", "next_credits", models.PositiveIntegerField(blank=True, null=True)),
        migrations.AddField(
            "subscription",
            "next_interval",
            models.CharField(blank=True, choices=[("month", "Month"), ("year", "Year")], max_length=5, null=True),
        ),
        migrations.AddField("subscription", "next_price", core.models.row.MoneyField(blank=True, null=True)),
    ]
