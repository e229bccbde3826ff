"""Old subscriptions keep the credits of today's catalogue, and old invoices say whether what they are for was given.

A thousand rows at a time, each in a transaction of its own. Run again, it finds nothing more to write.
"""

from django.db import migrations

CHUNK = 1000
SUBSCRIPTIONS = """
    UPDATE core_subscription AS subscription SET credits = plan.credits FROM core_plan AS plan
    WHERE plan.id = subscription.plan_id AND subscription.credits IS NULL AND subscription.id = ANY(%s)"""
# A choice for the next period that no price is left of, or that was to end meanwhile, could not have been kept.
CHOICES = """
    UPDATE core_subscription AS subscription SET (next_plan_id, next_price, next_credits, next_interval) = (
        SELECT plan.id, price.amount, plan.credits, price.interval
        FROM core_plan AS plan JOIN core_planprice AS price ON price.plan_id = plan.id
        WHERE plan.id = subscription.next_plan_id AND NOT subscription.cancel_at_period_end
            AND price.currency = subscription.currency AND price.interval = subscription.interval)
    WHERE subscription.next_plan_id IS NOT NULL AND subscription.next_price IS NULL AND subscription.id = ANY(%s)"""
INVOICES = """
    UPDATE core_invoice AS invoice SET began_on = CASE invoice.purpose
            WHEN 'first' THEN (activated.inputs ->> 'on')::date
            ELSE coalesce(invoice.period_start, invoice.issued_on) END
    FROM core_subscription AS subscription
        LEFT JOIN core_transition AS activated ON activated.machine = 'subscription'
            AND activated.object_id = subscription.id AND activated.name = 'activate'
    WHERE subscription.id = invoice.subscription_id AND invoice.began_on IS NULL AND invoice.id = ANY(%s)
        AND invoice.status NOT IN ('draft', 'void')
        AND CASE invoice.purpose
            WHEN 'first' THEN activated.id IS NOT NULL
            WHEN 'renewal' THEN invoice.period_start < subscription.period_end
            ELSE invoice.status = 'paid' OR EXISTS (
                SELECT FROM core_creditentry WHERE account_id = invoice.account_id AND key = 'upgrade:' || invoice.id)
        END"""


def fill(apps, schema_editor):
    for table, statements in (("core_subscription", [SUBSCRIPTIONS, CHOICES]), ("core_invoice", [INVOICES])):
        for keys in chunks(schema_editor.connection, table):
            for sql in statements:
                with schema_editor.connection.cursor() as cursor:
                    cursor.execute(sql, [keys])


def chunks(connection, table):
    """The keys of a table, in their order."""
    last = "00000000-0000-0000-0000-000000000000"
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM {table} WHERE id > %s ORDER BY id LIMIT {CHUNK}", [last])
            keys = [row[0] for row in cursor.fetchall()]
        if not keys:
            return
        yield keys
        last = keys[-1]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0018_agreed")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
