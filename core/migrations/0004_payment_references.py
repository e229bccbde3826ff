"""Every invoice gets a payment reference, while the service runs.

Not one transaction, so each step may be taken twice: `migrate` begins again where a table was locked.
"""

from django.db import IntegrityError, migrations, models

from core.payees.references import ALPHABET, FORM, LETTERS, new_reference
from engine.triggers import Frozen

CHUNK = 1000
# For rows of SQL, and of processes from before the column. As `core.payees.references.new_reference` draws; bytes 6 to
# 8 of a random UUID are not random. It does not look at the table: a row whose reference is taken is refused, and its
# writer tries again.
NEW_REFERENCE = f"""
CREATE OR REPLACE FUNCTION countersign_new_reference() RETURNS varchar LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    drawn bytea := uuid_send(gen_random_uuid());
    reference text := '';
    product int := 28;
    value int;
BEGIN
    FOR place IN 0..8 LOOP
        value := get_byte(drawn, CASE WHEN place < 6 THEN place ELSE place + 3 END);
        value := CASE WHEN place = 0 THEN 10 + value % {len(LETTERS)} ELSE value % 28 END;
        reference := reference || substr('{ALPHABET}', value + 1, 1);
        product := 2 * coalesce(nullif((product + value) % 28, 0), 28) % 29;
    END LOOP;
    RETURN reference || substr('{ALPHABET}', (29 - product) % 28 + 1, 1);
END $$;
"""
# In the order of their keys, as all who lock several invoices.
FILL = """
WITH chunk AS MATERIALIZED (
    SELECT id FROM core_invoice WHERE id > %s ORDER BY id LIMIT %s FOR NO KEY UPDATE
), filled AS (
    UPDATE core_invoice AS invoice SET payment_reference = countersign_new_reference() FROM chunk
    WHERE invoice.id = chunk.id AND invoice.payment_reference IS NULL
)
SELECT id FROM chunk ORDER BY id DESC LIMIT 1"""
ADD_ONCE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' AND conrelid = 'core_invoice'::regclass) THEN
        ALTER TABLE core_invoice ADD CONSTRAINT {name} {what};
    END IF;
END $$;"""
IS_BROKEN = """
SELECT FROM pg_index WHERE indexrelid = to_regclass('invoice_payment_reference_once') AND NOT indisvalid"""

FROZEN = [
    "account_id", "currency", "issued_on", "metadata->agreed", "metadata->billing_snapshot",
    "metadata->subscription_id", "number", "period_end", "period_start", "plan_credits", "plan_id", "plan_interval",
    "plan_price", "purpose", "subscription_id", "total",
]  # fmt: skip
VIEW = "SELECT id, account_id, number, currency, total, allocated, status, due_on{more} FROM core_invoice"


def drop_broken_index(apps, schema_editor):
    """What CREATE INDEX CONCURRENTLY leaves when it is interrupted."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(IS_BROKEN)
        if cursor.rowcount:
            cursor.execute("DROP INDEX CONCURRENTLY invoice_payment_reference_once")


def fill(apps, schema_editor):
    """References for the invoices from before, a chunk in a transaction. One that is taken is drawn again."""
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while last:
            try:
                cursor.execute(FILL, [last, CHUNK])
            except IntegrityError as error:
                if "invoice_payment_reference_once" not in str(error):
                    raise
                continue
            (last,) = cursor.fetchone() or (None,)


def frozen(columns):
    return Frozen(name="invoice_frozen", columns=columns, when="OLD.status <> 'draft'")


def freeze(columns):
    """In one statement, so that there is no moment without the trigger."""

    def replace(apps, schema_editor):
        sql = frozen(columns).create_sql(apps.get_model("core", "Invoice"), schema_editor)
        schema_editor.execute(sql.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER"), params=None)

    return replace


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0003_sql_guards_and_views")]

    operations = [
        migrations.RunSQL(NEW_REFERENCE, "DROP FUNCTION countersign_new_reference()"),
        migrations.RunSQL(
            [
                "ALTER TABLE core_invoice ADD COLUMN IF NOT EXISTS payment_reference varchar(10) NULL;",
                "ALTER TABLE core_invoice ALTER COLUMN payment_reference SET DEFAULT countersign_new_reference();",
            ],
            "ALTER TABLE core_invoice DROP COLUMN IF EXISTS payment_reference",
            state_operations=[
                migrations.AddField("invoice", "payment_reference", models.CharField(default=new_reference, max_length=10))
            ],
        ),
        # Before the rows are filled, so that a reference that is drawn twice is seen and drawn again.
        migrations.RunPython(drop_broken_index, migrations.RunPython.noop),
        migrations.RunSQL(
            [
                """CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS invoice_payment_reference_once
                   ON core_invoice (payment_reference);""",
                ADD_ONCE.format(
                    name="invoice_payment_reference_once", what="UNIQUE USING INDEX invoice_payment_reference_once"
                ),
            ],
            migrations.RunSQL.noop,  # goes with its column
            state_operations=[
                migrations.AddConstraint(
                    "invoice",
                    models.UniqueConstraint(fields=("payment_reference",), name="invoice_payment_reference_once"),
                )
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunSQL(
            [
                ADD_ONCE.format(
                    name="invoice_payment_reference_form",
                    what=f"CHECK (payment_reference IS NOT NULL AND payment_reference::text ~ '{FORM}') NOT VALID",
                ),
                "ALTER TABLE core_invoice VALIDATE CONSTRAINT invoice_payment_reference_form;",
                "ALTER TABLE core_invoice ALTER COLUMN payment_reference SET NOT NULL;",  # reads no row, by the check
            ],
            migrations.RunSQL.noop,
            state_operations=[
                migrations.AddConstraint(
                    "invoice",
                    models.CheckConstraint(
                        condition=models.Q(("payment_reference__isnull", False), ("payment_reference__regex", FORM)),
                        name="invoice_payment_reference_form",
                    ),
                )
            ],
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(freeze([*FROZEN, "payment_reference"]), freeze(FROZEN))],
            [
                migrations.RemoveConstraint("invoice", "invoice_frozen"),
                migrations.AddConstraint("invoice", frozen([*FROZEN, "payment_reference"])),
            ],
        ),
        migrations.RunSQL(
            f"CREATE OR REPLACE VIEW audit.invoices AS {VIEW.format(more=', payment_reference')};",
            [  # a column cannot be taken from a view
                "DROP VIEW audit.invoices;",
                f"CREATE VIEW audit.invoices AS {VIEW.format(more='')};",
            ],
        ),
    ]  # fmt: skip
