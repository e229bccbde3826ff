"""Who belongs to an account, or did, decides on none of its money. Those who belong to one already: see 0041."""

import django.db.models.functions.datetime
from django.db import migrations, models

import core.models.guards
import engine.ids
import engine.triggers


class Migration(migrations.Migration):
    dependencies = [("core", "0039_crowded_trials")]

    operations = [
        migrations.CreateModel(
            name="MembershipRecord",
            fields=[
                ("id", models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField()),
                ("user_id", models.UUIDField()),
                ("joined_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    engine.triggers.AppendOnly(name="membership_record_append_only"),
                    models.UniqueConstraint(fields=("user_id", "account_id"), name="membership_record_once"),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="was_staff",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=core.models.guards.MembershipRecorded(name="membership_recorded"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=core.models.guards.StaffApart(name="user_staff_apart"),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=core.models.guards.OutsiderDecides(
                name="payment_decided_by_outsider",
                machine="payment",
                verbs=["approve", "reject"],
                targets=["approved", "failed"],
                column="decided_by_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=core.models.guards.OutsiderDecides(
                name="payment_reversed_by_outsider",
                machine="payment",
                verbs=["reverse"],
                targets=["reversed"],
                column="reversed_by_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=core.models.guards.OutsiderDecides(
                name="invoice_closed_by_outsider",
                machine="invoice",
                verbs=["void", "write_off"],
                targets=["uncollectible", "void"],
                column="",
            ),
        ),
    ]
