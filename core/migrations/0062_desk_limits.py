"""Columns for what the desk ranks and refuses.

Rows that the release before writes while this one starts have a reference that does not count: two of them are a sign on
the desk, as they were across methods. Their place is 0.
"""

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import core.models.policy
import core.models.row

CEILINGS = {
    "USD": 5_000, "EUR": 5_000, "GBP": 5_000, "AED": 20_000, "BDT": 600_000, "BRL": 25_000, "IDR": 80_000_000,
    "INR": 500_000, "JPY": 750_000, "KES": 650_000, "KRW": 7_000_000, "NGN": 7_500_000, "PKR": 1_400_000,
    "VND": 125_000_000, "other": 5_000,
}  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("core", "0061_pauses")]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="reference_counts",
            field=models.BooleanField(db_default=False, default=True, editable=False),
        ),
        migrations.AddField(
            model_name="payment",
            name="waiting_before",
            field=models.SmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="policy",
            name="adjustment_limit",
            field=models.PositiveIntegerField(
                db_default=1000000,
                default=1000000,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="claim_ceilings",
            field=models.JSONField(
                blank=True,
                default=core.models.policy.claim_ceilings,
                db_default=models.Value(CEILINGS, models.JSONField()),
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    core.models.row.JsonFits(
                        "claim_ceilings",
                        path='strict $.type() == "object" && !exists($.keyvalue() ? (@.value.type() != "number" || @.value < 0 || @.value > 999999999999 || @.value != @.value.floor() || !(@.key like_regex "^([A-Z]{3}|other)$")))',
                    )
                ),
                name="policy_claim_ceilings",
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(("adjustment_limit__gte", 1), ("adjustment_limit__lte", 1000000000)),
                name="policy_adjustment_limit",
            ),
        ),
    ]
