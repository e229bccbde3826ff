"""The terms of an issued invoice are frozen, and a plan that an invoice names keeps its code."""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

import core.models.guards
import engine.triggers

COLUMNS = [
    "account_id",
    "currency",
    "issued_on",
    "metadata->agreed",
    "metadata->billing_snapshot",
    "metadata->subscription_id",
    "number",
    "period_end",
    "period_start",
    "plan_credits",
    "plan_id",
    "plan_interval",
    "plan_price",
    "purpose",
    "subscription_id",
    "total",
]


class Migration(migrations.Migration):
    dependencies = [("core", "0103_terms_from_metadata")]

    operations = [
        migrations.RemoveConstraint(model_name="invoice", name="invoice_frozen"),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=engine.triggers.Frozen(name="invoice_frozen", columns=COLUMNS, when="OLD.status <> 'draft'"),
        ),
        migrations.RemoveConstraint(model_name="plan", name="plan_code_kept"),
        migrations.AddConstraint(
            model_name="plan",
            constraint=core.models.guards.CodeKept(
                name="plan_code_kept",
                references=[
                    ("core_invoice", "plan_id"),
                    ("core_subscription", "next_plan_id"),
                    ("core_subscription", "plan_id"),
                ],
            ),
        ),
        AddConstraintNotValid(
            model_name="invoice",
            constraint=models.CheckConstraint(
                name="invoice_plan_price_in_range",
                condition=Q(plan_price__isnull=True)
                | Q(plan_price__gte=Decimal(0)) & Q(plan_price__lt=Decimal("1000000000000")),
            ),
        ),
    ]
