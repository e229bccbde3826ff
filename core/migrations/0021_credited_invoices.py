"""What credit notes took off an invoice; safe while the service runs, and may be run twice."""

from decimal import Decimal

import django.db.models.expressions
from django.db import migrations, models

import core.models.base
import engine.triggers

IN_RANGE = """
    allocated >= 0 AND credited >= 0 AND total >= 0 AND written_off >= 0 AND allocated < 1000000000000
    AND credited < 1000000000000 AND total < 1000000000000 AND written_off < 1000000000000
    AND allocated <= total - credited"""
STATUS = """
    status = 'draft' AND allocated = 0 AND credited = 0 AND written_off = 0
    OR status = 'pending' AND (credited = 0 OR credited < total) AND allocated = 0 AND written_off = 0
    OR status = 'void' AND allocated = 0 AND written_off = 0
    OR status = 'partially_paid' AND allocated > 0 AND allocated < total - credited AND written_off = 0
    OR status = 'paid' AND allocated = total - credited - written_off
    OR status = 'uncollectible' AND allocated < total - credited AND written_off = 0"""
# As before there were credit notes, for the way back.
IN_RANGE_BEFORE = """
    allocated >= 0 AND total >= 0 AND written_off >= 0 AND allocated < 1000000000000
    AND total < 1000000000000 AND written_off < 1000000000000 AND allocated <= total"""
STATUS_BEFORE = """
    status IN ('draft', 'pending', 'void') AND allocated = 0 AND written_off = 0
    OR status = 'partially_paid' AND allocated > 0 AND allocated < total AND written_off = 0
    OR status = 'paid' AND allocated = total - written_off
    OR status = 'uncollectible' AND allocated < total AND written_off = 0"""
VIEW = "SELECT id, account_id, number, currency, total, allocated, status, due_on, payment_reference{more} FROM core_invoice"


def check(name, condition):
    """Rows are read without a lock that stops writes. The check that it replaces goes in the same statement."""
    return [
        f"""-- squawk-ignore ban-drop-constraint
        ALTER TABLE core_invoice DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID;""",
        f"ALTER TABLE core_invoice VALIDATE CONSTRAINT {name};",
    ]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0020_credit_notes")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE core_invoice ADD COLUMN IF NOT EXISTS credited numeric(19, 4) DEFAULT 0 NOT NULL;",
            "ALTER TABLE core_invoice DROP COLUMN IF EXISTS credited;",
            state_operations=[
                migrations.AddField(
                    "invoice",
                    "credited",
                    core.models.base.MoneyField(db_default=Decimal("0"), default=Decimal("0"), editable=False),
                ),
            ],
        ),
        migrations.RunSQL(
            [*check("invoice_amounts_in_range", IN_RANGE), *check("invoice_status_follows_allocations", STATUS)],
            [
                *check("invoice_amounts_in_range", IN_RANGE_BEFORE),
                *check("invoice_status_follows_allocations", STATUS_BEFORE),
            ],
            state_operations=[
                migrations.RemoveConstraint("invoice", "invoice_amounts_in_range"),
                migrations.RemoveConstraint("invoice", "invoice_status_follows_allocations"),
                migrations.AddConstraint(
                    "invoice",
                    models.CheckConstraint(condition=models.Q(('allocated__gte', Decimal('0')), ('credited__gte', Decimal('0')), ('total__gte', Decimal('0')), ('written_off__gte', Decimal('0')), ('allocated__lt', Decimal('1000000000000')), ('credited__lt', Decimal('1000000000000')), ('total__lt', Decimal('1000000000000')), ('written_off__lt', Decimal('1000000000000')), ('allocated__lte', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credited')))), name='invoice_amounts_in_range'),
                ),
                migrations.AddConstraint(
                    "invoice",
                    models.CheckConstraint(condition=models.Q(models.Q(('allocated', 0), ('credited', 0), ('status', 'draft'), ('written_off', 0)), models.Q(models.Q(('credited', 0), ('credited__lt', models.F('total')), _connector='OR'), ('allocated', 0), ('status', 'pending'), ('written_off', 0)), models.Q(('allocated', 0), ('status', 'void'), ('written_off', 0)), models.Q(('allocated__gt', 0), ('allocated__lt', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credited'))), ('status', 'partially_paid'), ('written_off', 0)), models.Q(('allocated', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credited')), '-', models.F('written_off'))), ('status', 'paid')), models.Q(('allocated__lt', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credited'))), ('status', 'uncollectible'), ('written_off', 0)), _connector='OR'), name='invoice_status_follows_allocations'),
                ),
            ],
        ),
        migrations.RemoveConstraint("invoice", "invoice_status_guard"),
        migrations.AddConstraint(
            "invoice",
            engine.triggers.StatusGuard(edges=['abandon:partially_paid>uncollectible', 'abandon:pending>uncollectible', 'begin:>draft', 'credit:paid>paid', 'credit:partially_paid>paid', 'credit:partially_paid>partially_paid', 'credit:pending>pending', 'issue:draft>pending', 'lapse:draft>void', 'lapse:pending>void', 'pay:partially_paid>paid', 'pay:partially_paid>partially_paid', 'pay:pending>paid', 'pay:pending>partially_paid', 'pay:uncollectible>paid', 'pay:uncollectible>partially_paid', 'release:paid>partially_paid', 'release:paid>pending', 'release:partially_paid>partially_paid', 'release:partially_paid>pending', 'void:draft>void', 'void:pending>void', 'write_off:partially_paid>uncollectible', 'write_off:pending>uncollectible'], machine='invoice', name='invoice_status_guard'),
        ),
        migrations.RunSQL(
            f"CREATE OR REPLACE VIEW audit.invoices AS {VIEW.format(more=', credited')};",
            [  # a column cannot be taken from a view
                "DROP VIEW audit.invoices;",
                f"CREATE VIEW audit.invoices AS {VIEW.format(more='')};",
            ],
        ),
    ]  # fmt: skip
