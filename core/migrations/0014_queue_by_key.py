"""The queue is read by key: with an index by time, its page walked back through all payments ever made."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0013_erase_person")]

    operations = [
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("status", "pending_approval")), fields=["id"], name="payment_in_review"
            ),
        ),
        RemoveIndexConcurrently(model_name="payment", name="payment_queue"),
    ]
