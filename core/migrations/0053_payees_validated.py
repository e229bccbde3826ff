"""The checks of the migration before are made of the rows that are there, while they are read and written."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0052_payees_kept")]

    operations = [
        ValidateConstraint("paymentmethod", "payment_method_tolerance_bounded"),
        ValidateConstraint("policy", "policy_payee_wait"),
    ]
