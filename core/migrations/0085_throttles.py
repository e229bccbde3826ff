"""How often what shares a far side is called, all processes together."""

from datetime import timedelta

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0081_timers_by_tenant"),
    ]

    operations = [
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
                                ("every__gt", timedelta(0)),
                                ("every__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="throttle_every",
                    ),
                ],
            },
        ),
    ]
