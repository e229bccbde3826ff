import core.models.base
import core.models.guards
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
import engine.ids
import engine.stateful
import engine.triggers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


VIEW = """
CREATE VIEW audit.credit_notes AS
    SELECT id, account_id, invoice_id, status, currency, net, tax, total, requested_by_id AS requested_by,
        issued_by_id AS issued_by, issued_on, to_balance
    FROM core_creditnote;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0019_claims_by_link'),
    ]

    operations = [
        migrations.CreateModel(
            name='CreditNote',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('draft', 'Draft'), ('issued', 'Issued'), ('applied', 'Applied'), ('cancelled', 'Cancelled')], default='draft', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('net', core.models.base.MoneyField()),
                ('tax', core.models.base.MoneyField()),
                ('total', core.models.base.MoneyField()),
                ('tax_details', models.JSONField(default=dict)),
                ('reason', models.CharField(max_length=200)),
                ('issued_on', models.DateField(null=True)),
                ('to_balance', core.models.base.MoneyField(null=True)),
                ('ended_because', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='core.account')),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credit_notes', to='core.invoice')),
                ('issued_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('requested_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('total__gt', Decimal('0')), ('total__lt', Decimal('1000000000000')), ('net__gte', Decimal('0')), ('tax__gte', Decimal('0')), ('net__lt', Decimal('1000000000000')), ('tax__lt', Decimal('1000000000000')), ('total', django.db.models.expressions.CombinedExpression(models.F('net'), '+', models.F('tax')))), name='credit_note_amounts_in_range'),
                    models.CheckConstraint(condition=models.Q(('total', django.db.models.functions.math.Round(models.F('total'), models.Case(models.When(models.Q(('currency__in', ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'))), then=models.Value(0)), models.When(models.Q(('currency__in', ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'))), then=models.Value(3)), models.When(models.Q(('currency__in', ('CLF', 'UYW'))), then=models.Value(4)), default=models.Value(2), output_field=models.IntegerField())))), name='credit_note_total_fits_currency'),
                    models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='credit_note_says_why'),
                    models.CheckConstraint(condition=models.Q(models.Q(('issued_by', None), ('issued_on', None), ('status__in', ['draft', 'cancelled']), ('to_balance', None)), models.Q(('issued_by__isnull', False), ('issued_on__isnull', False), ('status', 'issued'), ('to_balance', None)), models.Q(('issued_by__isnull', False), ('issued_on__isnull', False), ('status', 'applied'), ('to_balance__gte', 0), ('to_balance__lte', models.F('total'))), _connector='OR'), name='credit_note_issued_is_complete'),
                    models.CheckConstraint(condition=models.Q(('to_balance', 0), models.Q(('issued_by', models.F('requested_by')), _negated=True), ('to_balance', None), _connector='OR'), name='credit_note_of_paid_money_by_two'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'cancelled'), _negated=True), models.Q(('ended_because', ''), _negated=True), _connector='OR'), name='credit_note_end_says_why'),
                    models.UniqueConstraint(condition=models.Q(('status', 'draft')), fields=('invoice',), name='credit_note_one_draft_of_invoice'),
                    core.models.guards.OutsiderDecides(column='issued_by_id', machine='creditnote', name='credit_note_issued_by_outsider', targets=['issued'], verbs=['issue']),
                    core.models.guards.CreditsWithinInvoice(name='credit_note_within_invoice'),
                    engine.triggers.Frozen(columns=['account_id', 'currency', 'invoice_id', 'net', 'reason', 'requested_by_id', 'tax', 'tax_details', 'total'], name='credit_note_frozen', once=['issued_by_id', 'issued_on', 'to_balance']),
                    engine.triggers.StatusGuard(edges=['apply:issued>applied', 'begin:>draft', 'cancel:draft>cancelled', 'issue:draft>issued', 'lapse:draft>cancelled'], machine='creditnote', name='creditnote_status_guard'),
                    engine.triggers.NoDelete(name='creditnote_kept'),
                ],
                'indexes': [
                    models.Index(fields=['account', 'id'], name='credit_note_of_account'),
                    models.Index(condition=models.Q(('status', 'draft')), fields=['id'], name='credit_note_drafts'),
                ],
                'permissions': [('write_credit_note', 'Write credit notes'), ('issue_credit_note', 'Issue credit notes; of money that was paid only those that another person wrote')],
            },
        ),
        migrations.CreateModel(
            name='CreditNoteLine',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('description', models.CharField(max_length=300)),
                ('net', core.models.base.MoneyField()),
                ('amount', core.models.base.MoneyField()),
                ('tax_category', models.CharField(choices=[('S', 'Standard'), ('Z', 'Zero'), ('E', 'Exempt'), ('AE', 'Reverse Charge'), ('O', 'Outside Scope'), ('G', 'Export'), ('K', 'Intra Community')], max_length=2)),
                ('tax_rate', models.DecimalField(decimal_places=3, max_digits=6)),
                ('credit_note', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='core.creditnote')),
                ('invoice_line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.invoiceline')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('credit_note', 'position'), name='credit_note_line_position'),
                    models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('-1000000000000')), ('amount__lt', Decimal('1000000000000')), ('net__gt', Decimal('-1000000000000')), ('net__lt', Decimal('1000000000000'))), name='credit_note_line_in_range'),
                    engine.triggers.AppendOnly(name='credit_note_line_append_only'),
                ],
                'ordering': ['position'],
            },
        ),
        migrations.RunSQL(VIEW, "DROP VIEW audit.credit_notes"),
    ]
