"""The terms of the invoices of before, from their metadata, which stays as it is.

Of the oldest ones it names the plan and its price only, of an upgrade the larger plan. A thousand rows at a time, each
in a transaction of its own. Run again, it finds nothing more to write.
"""

from django.db import migrations

CHUNK = 1000
AGREED = """
    UPDATE core_invoice AS invoice SET
        plan_id = plan.id,
        plan_price = (invoice.metadata #>> '{agreed,price}')::numeric,
        plan_credits = (invoice.metadata #>> '{agreed,credits}')::int,
        plan_interval = invoice.metadata #>> '{agreed,interval}'
    FROM core_plan AS plan
    WHERE invoice.id = ANY(%s) AND invoice.plan_id IS NULL AND plan.id = (invoice.metadata #>> '{agreed,plan_id}')::uuid"""
UPGRADES = """
    UPDATE core_invoice AS invoice SET
        plan_id = plan.id, plan_price = (invoice.metadata ->> 'upgrade_price')::numeric
    FROM core_plan AS plan
    WHERE invoice.id = ANY(%s) AND invoice.plan_id IS NULL AND plan.id = (invoice.metadata ->> 'upgrade_to')::uuid"""
NAMED = """
    UPDATE core_invoice AS invoice SET
        plan_id = plan.id, plan_price = (invoice.metadata #>> '{billing_snapshot,price}')::numeric
    FROM core_plan AS plan
    WHERE invoice.id = ANY(%s) AND invoice.plan_id IS NULL AND plan.code = invoice.metadata #>> '{billing_snapshot,plan}'"""


def fill(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT id FROM core_invoice WHERE id > %s ORDER BY id LIMIT %s", [last, CHUNK])
            keys = [row[0] for row in cursor.fetchall()]
            if not keys:
                return
            for sql in (AGREED, UPGRADES, NAMED):
                cursor.execute(sql, [keys])
            last = keys[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0102_terms_of_invoices")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
