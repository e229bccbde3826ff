"""Claims that wait since before are looked at, too: staff are told of one that lies too long.

Without a transition, because those that were decided before have no such effect either.
"""

from django.db import migrations

from engine.ids import uuid7

CHUNK = 1000


def watch(apps, schema_editor):
    payments, effects = apps.get_model("core", "Payment"), apps.get_model("core", "Effect")
    waiting = payments.objects.filter(status="pending_approval").order_by("id")
    for keys in _chunks(list(waiting.values_list("id", "account_id", "version"))):
        effects.objects.bulk_create(
            [
                effects(
                    id=uuid7(),
                    account_id=account,
                    machine="payment",
                    object_id=payment,
                    seq=version,
                    key=f"payment.escalate:{payment}:before",
                    kind="payment.escalate",
                    lane="inward",
                )
                for payment, account, version in keys
            ],
            ignore_conflicts=True,
        )


def _chunks(rows):
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


class Migration(migrations.Migration):
    dependencies = [("core", "0020_agreed_kept")]

    operations = [migrations.RunPython(watch, migrations.RunPython.noop)]
