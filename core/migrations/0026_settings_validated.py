"""The checks of 0037 are made of the rows that are there, while they are read and written."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0025_settings_checked")]

    operations = [
        ValidateConstraint("paymentmethod", "payment_method_place"),
        ValidateConstraint("paymentmethod", "payment_method_texts"),
        ValidateConstraint("paymentmethod", "payment_method_requires"),
        ValidateConstraint("paymentmethod", "payment_method_bank_lag"),
        ValidateConstraint("plan", "plan_in_range"),
        ValidateConstraint("planprice", "plan_price_can_be_paid"),
        ValidateConstraint("policy", "policy_days_in_range"),
        ValidateConstraint("policy", "policy_reminder_steps"),
    ]
