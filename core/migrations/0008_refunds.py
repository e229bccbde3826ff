import core.models.base
import core.models.guards
import core.payees.references
import django.db.models.deletion
import django.db.models.functions.math
import engine.ids
import engine.stateful
import engine.triggers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


VIEW = """
CREATE VIEW audit.refunds AS
    SELECT id, account_id, status, currency, amount, reason, bank_account_id, reference,
        requested_by_id AS requested_by, approved_by_id AS approved_by, sent_on, line_id, created_at
    FROM core_refund;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0007_payments_on_account'),
    ]

    operations = [
        migrations.AddField(
            model_name='bankaccount',
            name='holder',
            field=models.CharField(blank=True, db_default='', default='', help_text='As the bank has it.', max_length=70),
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('requested', 'Requested'), ('approved', 'Approved'), ('sent', 'Sent'), ('settled', 'Settled'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='requested', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('amount', core.models.base.MoneyField()),
                ('reason', models.CharField(choices=[('overpaid', 'Overpaid'), ('account_closed', 'Account Closed'), ('wrong_currency', 'Wrong Currency'), ('other', 'Other')], max_length=20)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('payee_name', models.CharField(max_length=70, null=True)),
                ('payee_account', models.CharField(max_length=34, null=True)),
                ('payee_bank', models.CharField(blank=True, max_length=20, null=True)),
                ('reference', models.CharField(default=core.payees.references.new_reference, editable=False, max_length=10)),
                ('sent_on', models.DateField(null=True)),
                ('ended_because', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='core.account')),
                ('approved_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('bank_account', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.bankaccount')),
                ('line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='core.statementline')),
                ('requested_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('request_refund', 'Request refunds, and say that they are sent or failed'), ('approve_refund', 'Approve refunds that another person requested')],
            "constraints": [models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0')), ('amount__lt', Decimal('1000000000000'))), name='refund_amount_in_range'), models.CheckConstraint(condition=models.Q(('amount', django.db.models.functions.math.Round(models.F('amount'), models.Case(models.When(models.Q(('currency__in', ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'))), then=models.Value(0)), models.When(models.Q(('currency__in', ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'))), then=models.Value(3)), models.When(models.Q(('currency__in', ('CLF', 'UYW'))), then=models.Value(4)), default=models.Value(2), output_field=models.IntegerField())))), name='refund_amount_fits_currency'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='refund_currency'), models.CheckConstraint(condition=models.Q(('reference__regex', '^[ACDEFGHJKMNPRTVWXY][0123456789ACDEFGHJKMNPRTVWXY]{9}$')), name='refund_reference'), models.UniqueConstraint(fields=('reference',), name='refund_by_reference'), models.CheckConstraint(condition=models.Q(('approved_by', models.F('requested_by')), _negated=True), name='refund_approved_by_another'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['approved', 'sent', 'settled']), _negated=True), ('approved_by__isnull', False), _connector='OR'), name='refund_approved_is_complete'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['requested', 'approved', 'sent']), _negated=True), models.Q(('payee_account__isnull', False), ('payee_name__isnull', False), models.Q(('payee_name', ''), _negated=True)), _connector='OR'), name='refund_under_way_has_payee'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['sent', 'settled']), _negated=True), ('sent_on__isnull', False), _connector='OR'), name='refund_sent_has_day'), models.CheckConstraint(condition=models.Q(('line', None), ('status', 'settled'), _connector='OR'), name='refund_line_is_settled'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['failed', 'cancelled']), _negated=True), models.Q(('ended_because', ''), _negated=True), _connector='OR'), name='refund_end_says_why'), core.models.guards.OutsiderDecides(column='approved_by_id', machine='refund', name='refund_approved_by_outsider', targets=['approved'], verbs=['approve']), core.models.guards.RefundsWithinLine(name='refund_within_line'), engine.triggers.Frozen(blankable=['payee_account', 'payee_bank', 'payee_name'], columns=['account_id', 'amount', 'bank_account_id', 'currency', 'reference', 'requested_by_id'], name='refund_frozen', once=['approved_by_id', 'sent_on']), engine.triggers.StatusGuard(edges=['approve:requested>approved', 'begin:>requested', 'cancel:approved>cancelled', 'cancel:requested>cancelled', 'fail:sent>failed', 'fail:settled>failed', 'lapse:approved>cancelled', 'lapse:requested>cancelled', 'mark_sent:approved>sent', 'settle:sent>settled', 'unsettle:settled>sent'], machine='refund', name='refund_status_guard'), engine.triggers.NoDelete(name='refund_kept'),],"indexes": [models.Index(fields=['account', 'id'], name='refund_of_account'), models.Index(condition=models.Q(('status__in', ['requested', 'approved', 'sent'])), fields=['id'], name='refund_under_way'),],},
        ),
        migrations.RunSQL(VIEW, "DROP VIEW audit.refunds"),
    ]
