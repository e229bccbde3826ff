"""What staff set is checked by the database, too: new rows from now on, those that are there by 0038."""

import django.core.validators
import django.db.models.functions.math
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import core.models.guards
import core.models.policy
import core.models.row


class Migration(migrations.Migration):
    dependencies = [("core", "0024_settings_repaired")]

    operations = [
        migrations.AlterField(
            model_name="paymentmethod",
            name="bank_lag_days",
            field=models.PositiveSmallIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(90)]
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="max_users",
            field=models.PositiveIntegerField(
                blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
            ),
        ),
        migrations.AlterField(
            model_name="plan",
            name="trial_days",
            field=models.PositiveSmallIntegerField(
                default=0, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="claim_pause_days",
            field=models.PositiveSmallIntegerField(
                default=7, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="days_to_pay",
            field=models.PositiveSmallIntegerField(
                default=7, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="grace_days",
            field=models.PositiveSmallIntegerField(
                default=7, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="reminder_steps",
            field=models.JSONField(blank=True, default=core.models.policy.reminder_steps),
        ),
        migrations.AlterField(
            model_name="policy",
            name="renewal_lead_days",
            field=models.PositiveSmallIntegerField(
                default=7, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="signup_expiry_days",
            field=models.PositiveSmallIntegerField(
                default=14, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="suspension_days",
            field=models.PositiveSmallIntegerField(
                default=30, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        migrations.AlterField(
            model_name="policy",
            name="trial_warning_days",
            field=models.PositiveSmallIntegerField(
                default=3, validators=[django.core.validators.MaxValueValidator(365)]
            ),
        ),
        AddConstraintNotValid(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("country__regex", "^[A-Z]{2}$"), ("country", ""), _connector="OR"),
                    models.Q(("currency__regex", "^[A-Z]{3}$"), ("currency", ""), _connector="OR"),
                ),
                name="payment_method_place",
            ),
        ),
        AddConstraintNotValid(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    core.models.row.JsonFits(
                        "instructions", path='strict $.type() == "object" && !exists($.* ? (@.type() != "string"))'
                    ),
                    core.models.row.JsonFits(
                        "fields", path='strict $.type() == "object" && !exists($.* ? (@.type() != "string"))'
                    ),
                ),
                name="payment_method_texts",
            ),
        ),
        AddConstraintNotValid(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    core.models.row.JsonFits(
                        "requires",
                        path='strict $.type() == "array" && !exists($[*] ? (@.type() != "string" || !(@ == "reference" || @ == "notes" || @ == "proof_url" || @ == "paid_on" || @ == "payer_name")))',
                    )
                ),
                name="payment_method_requires",
            ),
        ),
        AddConstraintNotValid(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(("bank_lag_days__lte", 90)), name="payment_method_bank_lag"
            ),
        ),
        AddConstraintNotValid(
            model_name="plan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("trial_days__lte", 365), models.Q(("max_users", None), ("max_users__gte", 1), _connector="OR")
                ),
                name="plan_in_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="planprice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("retired_at__isnull", False),
                    models.Q(
                        ("currency__regex", "^[A-Z]{3}$"),
                        (
                            "amount",
                            django.db.models.functions.math.Round(
                                models.F("amount"),
                                models.Case(
                                    models.When(
                                        models.Q(
                                            (
                                                "currency__in",
                                                (
                                                    "BIF",
                                                    "CLP",
                                                    "DJF",
                                                    "GNF",
                                                    "ISK",
                                                    "JPY",
                                                    "KMF",
                                                    "KRW",
                                                    "PYG",
                                                    "RWF",
                                                    "UGX",
                                                    "UYI",
                                                    "VND",
                                                    "VUV",
                                                    "XAF",
                                                    "XOF",
                                                    "XPF",
                                                ),
                                            )
                                        ),
                                        then=models.Value(0),
                                    ),
                                    models.When(
                                        models.Q(("currency__in", ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))),
                                        then=models.Value(3),
                                    ),
                                    models.When(models.Q(("currency__in", ("CLF", "UYW"))), then=models.Value(4)),
                                    default=models.Value(2),
                                    output_field=models.IntegerField(),
                                ),
                            ),
                        ),
                        ("interval__in", ["month", "year"]),
                    ),
                    _connector="OR",
                ),
                name="plan_price_can_be_paid",
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("claim_pause_days__lte", 365),
                    ("days_to_pay__lte", 365),
                    ("grace_days__lte", 365),
                    ("renewal_lead_days__lte", 365),
                    ("signup_expiry_days__lte", 365),
                    ("suspension_days__lte", 365),
                    ("trial_warning_days__lte", 365),
                ),
                name="policy_days_in_range",
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    core.models.row.JsonFits(
                        "reminder_steps",
                        path='strict $.type() == "array" && $.size() <= 10 && !exists($[*] ? (@.type() != "number" || @ < -365 || @ > 365 || @ != @.floor()))',
                    )
                ),
                name="policy_reminder_steps",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=core.models.guards.OwnerKept(name="membership_owner_kept"),
        ),
        migrations.AddConstraint(
            model_name="paymentmethod",
            constraint=core.models.guards.CodeKept(
                name="payment_method_code_kept",
                references=[("core_invoice", "payment_method_id"), ("core_payment", "method_id")],
            ),
        ),
        migrations.AddConstraint(
            model_name="plan",
            constraint=core.models.guards.CodeKept(
                name="plan_code_kept",
                references=[("core_subscription", "next_plan_id"), ("core_subscription", "plan_id")],
            ),
        ),
    ]
