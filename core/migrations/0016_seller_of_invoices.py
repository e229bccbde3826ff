"""Which seller an invoice names; safe while the service runs, and may be run twice."""

import core.models.guards
import django.db.models.deletion
import django.db.models.expressions
import engine.triggers
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('core', '0015_sellers_and_lines'),
    ]

    operations = [
        migrations.RunSQL(
            [
                "ALTER TABLE core_invoice ADD COLUMN IF NOT EXISTS seller_id uuid NULL;",
                """DO $$ BEGIN
                    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'core_invoice_seller_id_fk') THEN
                        ALTER TABLE core_invoice ADD CONSTRAINT core_invoice_seller_id_fk FOREIGN KEY (seller_id)
                            REFERENCES core_sellerversion (id) DEFERRABLE INITIALLY DEFERRED NOT VALID;
                    END IF;
                    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'invoice_tax_makes_total') THEN
                        ALTER TABLE core_invoice ADD CONSTRAINT invoice_tax_makes_total CHECK (
                            (net IS NULL AND tax IS NULL)
                            OR (net IS NOT NULL AND tax IS NOT NULL AND total = net + tax)) NOT VALID;
                    END IF;
                    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'invoice_series_is_whole') THEN
                        ALTER TABLE core_invoice ADD CONSTRAINT invoice_series_is_whole CHECK (
                            (series IS NULL AND series_count IS NULL)
                            OR (series IS NOT NULL AND series_count IS NOT NULL AND number IS NOT NULL)) NOT VALID;
                    END IF;
                END $$;""",
                "ALTER TABLE core_invoice VALIDATE CONSTRAINT core_invoice_seller_id_fk;",
                "ALTER TABLE core_invoice VALIDATE CONSTRAINT invoice_tax_makes_total;",
                "ALTER TABLE core_invoice VALIDATE CONSTRAINT invoice_series_is_whole;",
            ],
            [
                "ALTER TABLE core_invoice DROP CONSTRAINT IF EXISTS invoice_series_is_whole;",
                "ALTER TABLE core_invoice DROP CONSTRAINT IF EXISTS invoice_tax_makes_total;",
                "ALTER TABLE core_invoice DROP COLUMN IF EXISTS seller_id;",
            ],
            state_operations=[
                migrations.AddField(
                    model_name='invoice',
                    name='seller',
                    field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.sellerversion'),
                ),
                migrations.AddConstraint(
                    model_name='invoice',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('net__isnull', True), ('tax__isnull', True)), models.Q(('net__isnull', False), ('tax__isnull', False), ('total', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')))), _connector='OR'), name='invoice_tax_makes_total'),
                ),
                migrations.AddConstraint(
                    model_name='invoice',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('series__isnull', True), ('series_count__isnull', True)), models.Q(('number__isnull', False), ('series__isnull', False), ('series_count__isnull', False)), _connector='OR'), name='invoice_series_is_whole'),
                ),
            ],
        ),
        migrations.RunSQL(
            [
                "DROP INDEX CONCURRENTLY IF EXISTS invoice_marked;",  # half of one, of a run that was killed
                """CREATE INDEX CONCURRENTLY invoice_marked ON core_invoice (id)
                   WHERE tax_details ? 'missing';""",
            ],
            "DROP INDEX CONCURRENTLY IF EXISTS invoice_marked;",
            state_operations=[
                migrations.AddIndex(
                    model_name='invoice',
                    index=models.Index(condition=models.Q(('tax_details__has_key', 'missing')), fields=['id'], name='invoice_marked'),
                ),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='invoice',
            name='invoice_frozen',
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=engine.triggers.Frozen(columns=['account_id', 'currency', 'issued_on', 'metadata->agreed', 'metadata->billing_snapshot', 'metadata->subscription_id', 'net', 'number', 'payment_reference', 'period_end', 'period_start', 'plan_credits', 'plan_id', 'plan_interval', 'plan_price', 'purpose', 'series', 'series_count', 'subscription_id', 'tax', 'tax_details', 'total'], name='invoice_frozen', once=['seller_id'], when="OLD.status <> 'draft'"),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=core.models.guards.LinesSumUp(name='invoice_lines_sum_up'),
        ),
    ]
