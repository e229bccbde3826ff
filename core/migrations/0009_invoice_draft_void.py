"""A draft that was never issued may be voided: it has no number and no dates."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0008_payment_by_reference")]

    operations = [
        migrations.RemoveConstraint(model_name="invoice", name="invoice_issued_is_complete"),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                name="invoice_issued_is_complete",
                condition=models.Q(
                    ("status__in", ["draft", "void"]),
                    models.Q(("due_on__isnull", False), ("issued_on__isnull", False), ("number__isnull", False)),
                    _connector="OR",
                ),
            ),
        ),
    ]
