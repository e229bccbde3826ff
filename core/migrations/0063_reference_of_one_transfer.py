"""A reference is claimed once in an account, whatever the method; the desk reads its queue by two indexes.

First, of the claims of before, which references count, and which claim of its account waits behind which. Of two claims of
one account that have the same reference by two methods both stay as they are. The reference of the older one counts, that
of the later one does not: it stands outside the index. In batches that lock nothing for long. Run again, it finds what is
left to do.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

BATCH = 1000

NEXT = "SELECT id FROM core_payment WHERE id > %s ORDER BY id LIMIT %s"
COUNT = """
    UPDATE core_payment AS payment SET reference_counts = true
    FROM core_paymentmethod AS method
    WHERE payment.id = ANY(%s::uuid[]) AND NOT payment.reference_counts AND payment.reference_key <> ''
        AND method.id = payment.method_id AND method.kind <> 'cash' AND method.requires ? 'reference'
        AND NOT EXISTS (
            SELECT FROM core_payment AS earlier JOIN core_paymentmethod AS its ON its.id = earlier.method_id
            WHERE earlier.account_id = payment.account_id AND earlier.reference_key = payment.reference_key
                AND earlier.id < payment.id AND its.kind <> 'cash' AND its.requires ? 'reference'
                AND earlier.status IN ('pending_approval', 'approved', 'succeeded')
                AND payment.status IN ('pending_approval', 'approved', 'succeeded'))"""
PLACE = """
    UPDATE core_payment AS payment SET waiting_before = least(place.before, 32767)
    FROM (SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY id) - 1 AS before
          FROM core_payment WHERE status = 'pending_approval') AS place
    WHERE payment.id = place.id AND payment.status = 'pending_approval' AND payment.waiting_before <> place.before"""


def count(apps: Any, schema_editor: Any) -> None:
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(NEXT, [last, BATCH])
            keys = [row[0] for row in cursor.fetchall()]
            if not keys:
                break
            cursor.execute(COUNT, [keys])
            last = keys[-1]
        cursor.execute(PLACE)


INDEX = "payment_reference_of_one_transfer"
# A build that was broken off leaves an index that nobody uses.
MAKE = [
    f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}",
    f"""CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON core_payment (account_id, reference_key)
        WHERE reference_counts AND status IN ('pending_approval', 'approved', 'succeeded') AND NOT reference_key = ''""",
]
LIVE = ["pending_approval", "approved", "succeeded"]
# The index above has taken its place.
DROP = "-- squawk-ignore ban-drop-constraint\nDROP INDEX CONCURRENTLY IF EXISTS payment_reference_once"
ADD_AGAIN = """CREATE UNIQUE INDEX CONCURRENTLY payment_reference_once ON core_payment (account_id, method_id, reference_key)
    WHERE status IN ('pending_approval', 'approved', 'succeeded') AND NOT reference_key = ''"""


class Migration(migrations.Migration):
    atomic = False  # each batch is a commit of its own, and CONCURRENTLY

    dependencies = [("core", "0062_desk_limits")]

    operations = [
        migrations.RunPython(count, migrations.RunPython.noop, elidable=True),
        ValidateConstraint("policy", "policy_claim_ceilings"),
        ValidateConstraint("policy", "policy_adjustment_limit"),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MAKE, f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")],
            state_operations=[
                migrations.AddConstraint(
                    "payment",
                    models.UniqueConstraint(
                        name=INDEX,
                        fields=["account", "reference_key"],
                        condition=Q(status__in=LIVE, reference_counts=True) & ~Q(reference_key=""),
                    ),
                )
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(DROP, ADD_AGAIN)],
            state_operations=[migrations.RemoveConstraint("payment", "payment_reference_once")],
        ),
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                condition=Q(("status", "pending_approval")),
                fields=["waiting_before", "id"],
                name="payment_on_the_desk",
            ),
        ),
        AddIndexConcurrently(
            model_name="payment",
            index=models.Index(
                condition=Q(("status", "succeeded")), fields=["currency", "id"], name="payment_succeeded_lately"
            ),
        ),
    ]
