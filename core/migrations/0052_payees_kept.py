"""The methods that are there get their first version; a tolerance above what is allowed from now on is lowered first."""

import logging
from decimal import Decimal

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

import core.models.payee_guards

log = logging.getLogger(__name__)

PERCENT, OTHERWISE = 5, 50
MOST = {
    500: (
        "AED", "BRL", "CNY", "CZK", "DKK", "EGP", "HKD", "ILS", "MAD", "MXN", "MYR", "NOK", "PHP", "PLN", "QAR", "RON",
        "SAR", "SEK", "THB", "TRY", "TWD", "UAH", "ZAR", "ZMW",
    ),
    10_000: (
        "BDT", "DZD", "ETB", "HUF", "INR", "ISK", "JPY", "KES", "KZT", "LKR", "NPR", "PKR", "RSD", "RUB", "YER",
    ),
    100_000: ("AMD", "ARS", "CLP", "KRW", "MMK", "MNT", "NGN", "RWF", "TZS", "UGX", "XAF", "XOF"),
    1_000_000: ("COP", "GNF", "IDR", "IQD", "IRR", "LAK", "LBP", "MGA", "PYG", "UZS", "VND"),
}  # fmt: skip


def lower(apps, schema_editor):
    """Each method whose tolerance becomes less is logged with what it was."""
    for method in apps.get_model("core", "PaymentMethod").objects.all():
        ceiling = next((most for most, codes in MOST.items() if method.currency in codes), OTHERWISE)
        before = method.tolerance_percent, method.tolerance_max
        after = min(before[0], Decimal(PERCENT)), min(before[1], Decimal(ceiling))
        if after != before:
            method.tolerance_percent, method.tolerance_max = after
            method.save(update_fields=["tolerance_percent", "tolerance_max"])
            log.warning(
                "payment method %s: its tolerance was %s %% up to %s, it is %s %% up to %s",
                method.code, *before, *after,
            )  # fmt: skip


def note(apps, schema_editor):
    """As they are: in force, and of no other payee before."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_payeeversion (id, method_id, number, fields, instructions, tolerance_percent,
                   tolerance_max, asked_at, wait_hours, alone_hours, at_once, in_force_at)
               SELECT gen_random_uuid(), id, 1, fields, instructions, tolerance_percent, tolerance_max, now(), 0, 0,
                   true, now()
               FROM core_paymentmethod AS method
               WHERE NOT EXISTS (SELECT FROM core_payeeversion WHERE method_id = method.id)"""
        )


class Migration(migrations.Migration):
    dependencies = [("core", "0051_payee_versions")]

    operations = [
        migrations.RunPython(lower, migrations.RunPython.noop),
        # Until the end of this transaction nobody else writes a method: none is left without a version.
        migrations.AddConstraint(
            model_name="paymentmethod",
            constraint=core.models.payee_guards.PayeeKept(name="payment_method_payee_kept"),
        ),
        migrations.RunPython(note, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="paymentmethod",
            name="tolerance_percent",
            field=models.DecimalField(
                decimal_places=2,
                default=0,
                max_digits=5,
                validators=[
                    django.core.validators.MinValueValidator(0),
                    django.core.validators.MaxValueValidator(5),
                ],
            ),
        ),
        AddConstraintNotValid(
            model_name="paymentmethod",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "tolerance_max__lte",
                        models.Case(
                            *(models.When(currency__in=codes, then=most) for most, codes in MOST.items()),
                            default=OTHERWISE,
                            output_field=models.IntegerField(),
                        ),
                    ),
                    ("tolerance_percent__lte", PERCENT),
                ),
                name="payment_method_tolerance_bounded",
            ),
        ),
        AddConstraintNotValid(
            model_name="policy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("payee_wait_hours__gte", 1),
                    ("payee_wait_hours_alone__lte", 720),
                    ("payee_wait_hours__lte", models.F("payee_wait_hours_alone")),
                ),
                name="policy_payee_wait",
            ),
        ),
    ]
