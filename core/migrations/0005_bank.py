"""Bank accounts, statements with their lines, and the payments that lines stand for."""

import core.models.base
import core.models.guards
import django.contrib.postgres.fields
import django.db.models.deletion
import engine.ids
import engine.stateful
import engine.triggers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

VIEWS = """
CREATE VIEW audit.bank_lines AS
    SELECT id, statement_id, bank_account_id, booked_on, amount, currency, status FROM core_statementline;
CREATE VIEW audit.line_payments AS
    SELECT line_id, payment_id, amount, decided_by_id AS decided_by, rule FROM core_linepayment;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0004_payment_references'),
    ]

    operations = [
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True)),
                ('iban', models.CharField(blank=True, max_length=34, verbose_name='IBAN')),
                ('number', models.CharField(blank=True, help_text='Where the account has no IBAN.', max_length=34)),
                ('bank', models.CharField(blank=True, help_text='BIC or national code, where the number needs it.', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('is_automatic', models.BooleanField(default=False, help_text='Approve sure matches without a person.', verbose_name='automatic')),
                ('automatic_limit', core.models.base.MoneyField(blank=True, null=True)),
                ('profile', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('payment_methods', models.ManyToManyField(blank=True, help_text='Whose money arrives here.', related_name='bank_accounts', to='core.paymentmethod')),
            ],
            options={
                'ordering': ['name'],
            "constraints": [models.CheckConstraint(condition=models.Q(models.Q(('iban', ''), ('number', ''), _negated=True), ('currency__regex', '^[A-Z]{3}$')), name='bank_account_is_identified'), models.UniqueConstraint(condition=models.Q(('iban', ''), _negated=True), fields=('iban', 'currency'), name='bank_account_iban'), models.UniqueConstraint(condition=models.Q(('number', ''), _negated=True), fields=('bank', 'number', 'currency'), name='bank_account_number'), models.CheckConstraint(condition=models.Q(models.Q(('automatic_limit__isnull', True), ('is_automatic', False)), models.Q(('automatic_limit__isnull', False), ('automatic_limit__gte', Decimal('0')), ('automatic_limit__lt', Decimal('1000000000000'))), _connector='OR'), name='bank_account_limit_in_range'), engine.triggers.Frozen(columns=['currency'], name='bank_account_currency_frozen'),],},
        ),
        migrations.CreateModel(
            name='StatementFile',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('queued', 'Queued'), ('imported', 'Imported'), ('refused', 'Refused')], default='queued', max_length=20)),
                ('sha256', models.CharField(max_length=64)),
                ('name', models.CharField(blank=True, max_length=255)),
                ('size', models.PositiveIntegerField()),
                ('profile', models.JSONField(null=True)),
                ('format', models.CharField(blank=True, max_length=20)),
                ('reader_version', models.CharField(blank=True, max_length=20)),
                ('error', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('bank_account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.bankaccount')),
                ('uploaded_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('import_statements', 'Import bank statements')],
            "constraints": [models.UniqueConstraint(condition=models.Q(('status', 'refused'), _negated=True), fields=('sha256',), name='statement_file_once'), models.CheckConstraint(condition=models.Q(models.Q(('error__isnull', False), ('status', 'refused')), models.Q(models.Q(('status', 'refused'), _negated=True), ('error__isnull', True)), _connector='OR'), name='statement_file_refused_says_why'), engine.triggers.Frozen(columns=['bank_account_id', 'sha256', 'size', 'uploaded_by_id'], name='statement_file_frozen'), engine.triggers.StatusGuard(edges=['begin:>queued', 'complete:queued>imported', 'refuse:queued>refused'], machine='statementfile', name='statementfile_status_guard'), engine.triggers.NoDelete(name='statementfile_kept'),],},
        ),
        migrations.CreateModel(
            name='Statement',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('number', models.CharField(blank=True, max_length=40)),
                ('period_start', models.DateField(null=True)),
                ('period_end', models.DateField(null=True)),
                ('opening', core.models.base.MoneyField(null=True)),
                ('closing', core.models.base.MoneyField(null=True)),
                ('adds_up', models.BooleanField(null=True)),
                ('first_break', models.JSONField(null=True)),
                ('lines_total', models.PositiveIntegerField(default=0)),
                ('lines_new', models.PositiveIntegerField(default=0)),
                ('lines_pending', models.PositiveIntegerField(default=0)),
                ('credits', core.models.base.MoneyField(default=Decimal('0'))),
                ('debits', core.models.base.MoneyField(default=Decimal('0'))),
                ('notes', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('bank_account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='core.bankaccount')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='core.statementfile')),
            ], options={"constraints": [engine.triggers.AppendOnly(name='statement_append_only'), models.UniqueConstraint(fields=('file', 'position'), name='statement_position'), models.CheckConstraint(condition=models.Q(('credits__gte', Decimal('0')), ('debits__gte', Decimal('0')), ('credits__lt', Decimal('1000000000000')), ('debits__lt', Decimal('1000000000000')), models.Q(('opening__isnull', True), models.Q(('opening__gt', -1000000000000), ('opening__lt', 1000000000000)), _connector='OR'), models.Q(('closing__isnull', True), models.Q(('closing__gt', -1000000000000), ('closing__lt', 1000000000000)), _connector='OR')), name='statement_amounts_in_range'),],"indexes": [models.Index(fields=['bank_account', 'period_end'], name='statement_of_account'),],},
        ),
        migrations.CreateModel(
            name='PayerIdentity',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('account', 'Account'), ('name', 'Name')], max_length=10)),
                ('value', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payer_identities', to='core.account')),
                ('confirmed_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'payer identities',
            "constraints": [models.UniqueConstraint(fields=('kind', 'value', 'account'), name='payer_identity_once'), models.CheckConstraint(condition=models.Q(('value', ''), _negated=True), name='payer_identity_says_something'),],},
        ),
        migrations.CreateModel(
            name='PendingLine',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('booked_on', models.DateField()),
                ('amount', core.models.base.MoneyField()),
                ('currency', models.CharField(max_length=3)),
                ('payer_name', models.CharField(blank=True, max_length=200)),
                ('text', models.TextField(blank=True)),
                ('bank_account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_lines', to='core.bankaccount')),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.statement')),
            ], options={"constraints": [models.CheckConstraint(condition=models.Q(('amount__gt', -1000000000000), ('amount__lt', 1000000000000)), name='pending_line_in_range'),],},
        ),
        migrations.CreateModel(
            name='StatementContent',
            fields=[
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='content', serialize=False, to='core.statementfile')),
                ('content', models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name='StatementLine',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('open', 'Open'), ('suggested', 'Suggested'), ('matched', 'Matched'), ('ignored', 'Ignored'), ('returned', 'Returned')], default='open', max_length=20)),
                ('row', models.PositiveIntegerField()),
                ('booked_on', models.DateField()),
                ('value_on', models.DateField(null=True)),
                ('amount', core.models.base.MoneyField()),
                ('currency', models.CharField(max_length=3)),
                ('text', models.TextField(blank=True)),
                ('payer_name', models.CharField(blank=True, max_length=200)),
                ('payer_account', models.CharField(blank=True, max_length=40)),
                ('references', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), default=list, size=None)),
                ('bank_id', models.CharField(blank=True, max_length=100)),
                ('is_return', models.BooleanField(default=False)),
                ('return_reason', models.CharField(blank=True, max_length=100)),
                ('charges', core.models.base.MoneyField(null=True)),
                ('instructed', models.JSONField(null=True)),
                ('details', models.JSONField(default=list)),
                ('notes', models.JSONField(default=list)),
                ('content_key', models.BinaryField(max_length=16)),
                ('occurrence', models.PositiveIntegerField()),
                ('rule', models.CharField(blank=True, max_length=60)),
                ('ignored_because', models.CharField(blank=True, max_length=200)),
                ('bank_account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.bankaccount')),
                ('decided_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('statement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='core.statement')),
            ],
            options={
                'permissions': [('match_lines', 'Match lines of bank statements with payments')],
            "constraints": [models.UniqueConstraint(fields=('bank_account', 'booked_on', 'amount', 'currency', 'content_key', 'occurrence'), name='statement_line_once'), models.CheckConstraint(condition=models.Q(('amount__gt', -1000000000000), ('amount__lt', 1000000000000)), name='statement_line_amount_in_range'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'ignored'), _negated=True), models.Q(('ignored_because', ''), _negated=True), _connector='OR'), name='statement_line_ignored_says_why'), engine.triggers.Frozen(columns=['amount', 'bank_account_id', 'booked_on', 'content_key', 'currency', 'occurrence', 'row', 'statement_id', 'value_on'], name='statement_line_frozen'), engine.triggers.StatusGuard(edges=['begin:>open', 'begin:>suggested', 'ignore:open>ignored', 'ignore:suggested>ignored', 'mark_returned:open>returned', 'mark_returned:suggested>returned', 'match:open>matched', 'match:suggested>matched', 'reopen:ignored>open', 'unmatch:matched>open'], machine='statementline', name='statementline_status_guard'), engine.triggers.NoDelete(name='statementline_kept'),],"indexes": [models.Index(condition=models.Q(('status__in', ['open', 'suggested'])), fields=['bank_account', 'booked_on', 'id'], name='statement_line_undecided'), models.Index(fields=['statement', 'row'], name='statement_line_of_statement'),],},
        ),
        migrations.CreateModel(
            name='LinePayment',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('amount', core.models.base.MoneyField()),
                ('is_decision', models.BooleanField(default=False)),
                ('rule', models.CharField(blank=True, max_length=60)),
                ('reasons', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('decided_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='line_payments', to='core.payment')),
                ('takes_back', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_back_by', to='core.linepayment')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='core.statementline')),
            ], options={"constraints": [engine.triggers.AppendOnly(name='line_payment_append_only'), core.models.guards.PartsWithinLine(name='line_payment_within_line'), models.CheckConstraint(condition=models.Q(models.Q(('takes_back__isnull', True), ('amount__gt', Decimal('0')), ('amount__lt', Decimal('1000000000000'))), models.Q(('amount__gt', -1000000000000), ('amount__lt', 0), ('takes_back__isnull', False)), _connector='OR'), name='line_payment_amount_in_range'),],},
        ),
        migrations.RunSQL(VIEWS, "DROP VIEW audit.line_payments; DROP VIEW audit.bank_lines"),
    ]
