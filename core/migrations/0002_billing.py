import core.models.account
import core.models.duty
import core.models.guards
import core.models.payee_guards
import core.models.policy
import core.models.base
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.math
import engine.ids
import engine.stateful
import engine.triggers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0001_users'),
        ('engine', '0001_engine'),
    ]

    operations = [
        migrations.CreateModel(
            name='Industry',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100, unique=True)),
            ],
            options={
                'verbose_name_plural': 'industries',
            },
        ),
        migrations.CreateModel(
            name='NumberSeries',
            fields=[
                ('code', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('next', models.PositiveBigIntegerField(default=1)),
            ],
            options={
                'verbose_name_plural': 'number series',
            },
        ),
        migrations.CreateModel(
            name='RateLimitBucket',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RefusalCount',
            fields=[
                ('event', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('total', models.PositiveBigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('name', models.CharField(max_length=150)),
                ('status', engine.stateful.StatusField(choices=[('trial', 'Trial'), ('pending_payment', 'Pending Payment'), ('active', 'Active'), ('past_due', 'Past Due'), ('suspended', 'Suspended'), ('expired', 'Expired'), ('closed', 'Closed')], max_length=20)),
                ('credits', models.BigIntegerField(default=0, editable=False)),
                ('currency', models.CharField(default='USD', max_length=3)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('language', models.CharField(choices=core.models.account.languages, db_default='en', default='en', max_length=10)),
                ('consume_by', models.CharField(choices=[('all', 'All'), ('member', 'Member'), ('admin', 'Admin')], db_default='all', default='all', editable=False, max_length=10)),
                ('trial_ends_on', models.DateField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('billing_email', models.EmailField(blank=True, max_length=254)),
                ('address_line1', models.CharField(blank=True, max_length=200)),
                ('address_line2', models.CharField(blank=True, max_length=200)),
                ('city', models.CharField(blank=True, max_length=100)),
                ('state', models.CharField(blank=True, max_length=100)),
                ('postal_code', models.CharField(blank=True, max_length=20)),
                ('country', models.CharField(blank=True, max_length=2)),
                ('tax_id', models.CharField(blank=True, max_length=32)),
                ('proved_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('proved_email', models.CharField(blank=True, db_default='', default='', editable=False, max_length=254)),
                ('refused_email', models.CharField(blank=True, db_default='', default='', editable=False, max_length=254)),
            ],
            options={
                'permissions': [('manage_accounts', 'Close accounts and assign internal plans')],
                'constraints': [models.CheckConstraint(condition=models.Q(('credits__gte', 0)), name='account_credits_not_negative'), models.CheckConstraint(condition=models.Q(('consume_by__in', ['all', 'member', 'admin'])), name='account_consume_by_known'), engine.triggers.StatusGuard(edges=['activate:past_due>active', 'activate:pending_payment>active', 'activate:suspended>active', 'activate:trial>active', 'await_payment:expired>pending_payment', 'begin:>pending_payment', 'begin:>trial', 'close:active>closed', 'close:expired>closed', 'close:past_due>closed', 'close:pending_payment>closed', 'close:suspended>closed', 'close:trial>closed', 'expire:active>expired', 'expire:pending_payment>expired', 'expire:suspended>expired', 'expire:trial>expired', 'fall_behind:active>past_due', 'suspend:past_due>suspended'], machine='account', name='account_status_guard'), engine.triggers.NoDelete(name='account_kept')],
            },
        ),
        migrations.CreateModel(
            name='HistoryHead',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('transitions', models.PositiveBigIntegerField()),
                ('previous', models.CharField(blank=True, max_length=64)),
                ('head', models.CharField(max_length=64)),
                ('closed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'permissions': [('operate_effects', 'See and repeat effects')],
                'constraints': [engine.triggers.AppendOnly(name='history_head_append_only')],
            },
        ),
        migrations.CreateModel(
            name='IdempotentResponse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField()),
                ('content_type', models.CharField(max_length=100)),
                ('body', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='keyed_answer_age')],
                'constraints': [models.UniqueConstraint(fields=('scope', 'key'), name='keyed_answer_once')],
            },
        ),
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('draft', 'Draft'), ('pending', 'Pending'), ('partially_paid', 'Partially Paid'), ('paid', 'Paid'), ('void', 'Void'), ('uncollectible', 'Uncollectible')], default='draft', max_length=20)),
                ('number', models.CharField(max_length=30, null=True, unique=True)),
                ('currency', models.CharField(max_length=3)),
                ('total', core.models.base.MoneyField()),
                ('allocated', core.models.base.MoneyField(default=Decimal('0'))),
                ('written_off', core.models.base.MoneyField(default=Decimal('0'))),
                ('period_start', models.DateField(null=True)),
                ('period_end', models.DateField(null=True)),
                ('began_on', models.DateField(null=True)),
                ('purpose', models.CharField(choices=[('first', 'First'), ('renewal', 'Renewal'), ('upgrade', 'Upgrade')], default='first', max_length=10)),
                ('issued_on', models.DateField(null=True)),
                ('due_on', models.DateField(null=True)),
                ('held_days', models.SmallIntegerField(db_default=0, default=0, editable=False)),
                ('held_on', models.DateField(editable=False, null=True)),
                ('plan_price', core.models.base.MoneyField(null=True)),
                ('plan_credits', models.PositiveIntegerField(null=True)),
                ('plan_interval', models.CharField(blank=True, choices=[('month', 'Month'), ('year', 'Year')], db_default='', default='', max_length=5)),
                ('metadata', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='core.account')),
            ],
            options={
                'permissions': [('void_invoice', 'Void invoices and write them off')],
            "constraints": [models.CheckConstraint(condition=models.Q(('allocated__gte', Decimal('0')), ('total__gte', Decimal('0')), ('written_off__gte', Decimal('0')), ('allocated__lt', Decimal('1000000000000')), ('total__lt', Decimal('1000000000000')), ('written_off__lt', Decimal('1000000000000')), ('allocated__lte', models.F('total'))), name='invoice_amounts_in_range'), models.CheckConstraint(condition=models.Q(models.Q(('allocated', 0), ('status__in', ['draft', 'pending', 'void']), ('written_off', 0)), models.Q(('allocated__gt', 0), ('allocated__lt', models.F('total')), ('status', 'partially_paid'), ('written_off', 0)), models.Q(('allocated', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('written_off'))), ('status', 'paid')), models.Q(('allocated__lt', models.F('total')), ('status', 'uncollectible'), ('written_off', 0)), _connector='OR'), name='invoice_status_follows_allocations'), models.CheckConstraint(condition=models.Q(('status__in', ['draft', 'void']), models.Q(('due_on__isnull', False), ('issued_on__isnull', False), ('number__isnull', False)), _connector='OR'), name='invoice_issued_is_complete'), models.UniqueConstraint(fields=('account', 'id'), name='invoice_of_account'), core.models.guards.OutsiderDecides(column='', machine='invoice', name='invoice_closed_by_outsider', targets=['uncollectible', 'void'], verbs=['void', 'write_off']), engine.triggers.StatusGuard(edges=['abandon:partially_paid>uncollectible', 'abandon:pending>uncollectible', 'begin:>draft', 'issue:draft>pending', 'lapse:draft>void', 'lapse:pending>void', 'pay:partially_paid>paid', 'pay:partially_paid>partially_paid', 'pay:pending>paid', 'pay:pending>partially_paid', 'pay:uncollectible>paid', 'pay:uncollectible>partially_paid', 'release:paid>partially_paid', 'release:paid>pending', 'release:partially_paid>partially_paid', 'release:partially_paid>pending', 'void:draft>void', 'void:pending>void', 'write_off:partially_paid>uncollectible', 'write_off:pending>uncollectible'], machine='invoice', name='invoice_status_guard'), engine.triggers.NoDelete(name='invoice_kept'),],"indexes": [models.Index(condition=models.Q(('status__in', ['pending', 'partially_paid'])), fields=['due_on', 'id'], name='invoice_open_by_due'),],},
        ),
        migrations.CreateModel(
            name='MembershipRecord',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField()),
                ('user_id', models.UUIDField()),
                ('joined_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [engine.triggers.AppendOnly(name='membership_record_append_only'), models.UniqueConstraint(fields=('user_id', 'account_id'), name='membership_record_once')],
            },
        ),
        migrations.CreateModel(
            name='PaymentMethod',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code', models.SlugField(max_length=30, unique=True)),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('bank_transfer', 'Bank Transfer'), ('mobile_wallet', 'Mobile Wallet'), ('upi', 'Upi'), ('pix', 'Pix'), ('cash', 'Cash')], max_length=20)),
                ('country', models.CharField(blank=True, max_length=2)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('instructions', models.JSONField(default=dict)),
                ('fields', models.JSONField(blank=True, default=dict)),
                ('requires', models.JSONField(blank=True, default=list)),
                ('reference_pattern', models.CharField(blank=True, db_default='', default='', max_length=100)),
                ('reference_example', models.CharField(blank=True, db_default='', default='', max_length=140)),
                ('reference_max', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('tolerance_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(5)])),
                ('tolerance_max', core.models.base.MoneyField(default=0)),
                ('shown_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('payee_since', models.DateTimeField(blank=True, editable=False, null=True)),
                ('bank_lag_days', models.PositiveSmallIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(90)])),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('is_enabled', models.BooleanField(default=True)),
                ('is_demo', models.BooleanField(default=False)),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.CheckConstraint(condition=models.Q(('tolerance_max__gte', Decimal('0')), ('tolerance_max__lt', Decimal('1000000000000')), ('tolerance_percent__gte', 0), ('tolerance_percent__lte', 100)), name='payment_method_tolerance_in_range'), models.CheckConstraint(condition=models.Q(('tolerance_max__lte', models.Case(models.When(currency__in=('AED', 'BRL', 'CNY', 'CZK', 'DKK', 'EGP', 'HKD', 'ILS', 'MAD', 'MXN', 'MYR', 'NOK', 'PHP', 'PLN', 'QAR', 'RON', 'SAR', 'SEK', 'THB', 'TRY', 'TWD', 'UAH', 'ZAR', 'ZMW'), then=500), models.When(currency__in=('BDT', 'DZD', 'ETB', 'HUF', 'INR', 'ISK', 'JPY', 'KES', 'KZT', 'LKR', 'NPR', 'PKR', 'RSD', 'RUB', 'YER'), then=10000), models.When(currency__in=('AMD', 'ARS', 'CLP', 'KRW', 'MMK', 'MNT', 'NGN', 'RWF', 'TZS', 'UGX', 'XAF', 'XOF'), then=100000), models.When(currency__in=('COP', 'GNF', 'IDR', 'IQD', 'IRR', 'LAK', 'LBP', 'MGA', 'PYG', 'UZS', 'VND'), then=1000000), default=50, output_field=models.IntegerField())), ('tolerance_percent__lte', 5)), name='payment_method_tolerance_bounded'), core.models.payee_guards.PayeeKept(name='payment_method_payee_kept'), models.CheckConstraint(condition=models.Q(models.Q(('country__regex', '^[A-Z]{2}$'), ('country', ''), _connector='OR'), models.Q(('currency__regex', '^[A-Z]{3}$'), ('currency', ''), _connector='OR')), name='payment_method_place'), models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('instructions', path='strict $.type() == "object" && !exists($.* ? (@.type() != "string"))'), core.models.base.JsonFits('fields', path='strict $.type() == "object" && !exists($.* ? (@.type() != "string"))')), name='payment_method_texts'), models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('requires', path='strict $.type() == "array" && !exists($[*] ? (@.type() != "string" || !(@ == "reference" || @ == "notes" || @ == "proof_url" || @ == "paid_on" || @ == "payer_name")))')), name='payment_method_requires'), models.CheckConstraint(condition=models.Q(('bank_lag_days__lte', 90)), name='payment_method_bank_lag'), core.models.guards.CodeKept(name='payment_method_code_kept', references=[('core_invoice', 'payment_method_id'), ('core_payment', 'method_id')])],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('pending_approval', 'Pending Approval'), ('approved', 'Approved'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('reversed', 'Reversed')], default='pending_approval', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('amount', core.models.base.MoneyField()),
                ('received', core.models.base.MoneyField(blank=True, null=True)),
                ('value_date', models.DateField(blank=True, null=True)),
                ('reference', models.CharField(blank=True, max_length=140)),
                ('reference_key', models.CharField(blank=True, editable=False, max_length=140)),
                ('notes', models.TextField(blank=True, max_length=2000)),
                ('proof_url', models.CharField(blank=True, max_length=1000)),
                ('paid_on', models.DateField(blank=True, null=True)),
                ('payer_name', models.CharField(blank=True, max_length=140)),
                ('reason_code', models.CharField(blank=True, choices=[('not_received', 'Not Received'), ('amount_short', 'Amount Short'), ('wrong_currency', 'Wrong Currency'), ('duplicate_reference', 'Duplicate Reference'), ('unreadable_proof', 'Unreadable Proof'), ('proof_mismatch', 'Proof Mismatch'), ('wrong_beneficiary', 'Wrong Beneficiary'), ('payer_mismatch', 'Payer Mismatch'), ('invoice_closed', 'Invoice Closed'), ('suspected_fraud', 'Suspected Fraud'), ('other', 'Other')], max_length=30)),
                ('admin_notes', models.TextField(blank=True, max_length=2000)),
                ('allocation_plan', models.JSONField(blank=True, default=list)),
                ('reversal_reason', models.CharField(blank=True, max_length=500)),
                ('is_further', models.BooleanField(db_default=False, default=False, editable=False)),
                ('waiting_before', models.SmallIntegerField(db_default=0, default=0, editable=False)),
                ('reference_counts', models.BooleanField(db_default=False, default=True, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='core.account')),
                ('decided_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='core.invoice')),
                ('retry_of', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.payment')),
                ('reversed_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('submitted_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('method', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.paymentmethod')),
            ],
            options={
                'permissions': [('review_payment', 'See the queue of claimed payments'), ('approve_payment', 'Approve and reject payments'), ('reverse_payment', 'Reverse a succeeded payment')],
            "constraints": [models.CheckConstraint(condition=models.Q(('decided_by', models.F('submitted_by')), _negated=True), name='payment_decided_by_another'), models.CheckConstraint(condition=models.Q(('amount__gt', Decimal('0')), ('amount__lt', Decimal('1000000000000'))), name='payment_amount_in_range'), models.CheckConstraint(condition=models.Q(('received__isnull', True), models.Q(('received__gt', Decimal('0')), ('received__lt', Decimal('1000000000000'))), _connector='OR'), name='payment_received_in_range'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['approved', 'succeeded', 'reversed']), _negated=True), models.Q(('decided_by__isnull', False), ('received__isnull', False)), _connector='OR'), name='payment_decided_is_complete'), models.UniqueConstraint(condition=models.Q(('reference_counts', True), ('status__in', ['pending_approval', 'approved', 'succeeded']), models.Q(('reference_key', ''), _negated=True)), fields=('account', 'reference_key'), name='payment_reference_of_one_transfer'), models.UniqueConstraint(fields=('account', 'id'), name='payment_of_account'), core.models.guards.OutsiderDecides(column='decided_by_id', machine='payment', name='payment_decided_by_outsider', targets=['approved', 'failed'], verbs=['approve', 'reject']), core.models.guards.OutsiderDecides(column='reversed_by_id', machine='payment', name='payment_reversed_by_outsider', targets=['reversed'], verbs=['reverse']), engine.triggers.Frozen(columns=['account_id', 'currency', 'invoice_id', 'submitted_by_id'], name='payment_claim_frozen', once=['decided_by_id', 'received', 'reversed_by_id']), engine.triggers.Frozen(columns=['amount', 'decided_by_id', 'received', 'reference'], name='payment_decision_frozen', when="OLD.status <> 'pending_approval'"), engine.triggers.StatusGuard(edges=['approve:pending_approval>approved', 'begin:>pending_approval', 'reject:pending_approval>failed', 'reverse:succeeded>reversed', 'settle:approved>succeeded', 'withdraw:pending_approval>cancelled'], machine='payment', name='payment_status_guard'), engine.triggers.NoDelete(name='payment_kept'),],"indexes": [models.Index(condition=models.Q(('status', 'pending_approval')), fields=['id'], name='payment_in_review'), models.Index(condition=models.Q(('status', 'pending_approval')), fields=['waiting_before', 'id'], name='payment_on_the_desk'), models.Index(condition=models.Q(('status', 'succeeded')), fields=['currency', 'id'], name='payment_succeeded_lately'), models.Index(condition=models.Q(('reference_key', ''), _negated=True), fields=['reference_key'], name='payment_by_reference'),],},
        ),
        migrations.CreateModel(
            name='PayeeVersion',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('fields', models.JSONField(default=dict)),
                ('instructions', models.JSONField(default=dict)),
                ('tolerance_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('tolerance_max', core.models.base.MoneyField(default=0)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('wait_hours', models.PositiveSmallIntegerField(default=0)),
                ('alone_hours', models.PositiveSmallIntegerField(default=0)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('at_once', models.BooleanField(default=False)),
                ('in_force_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('confirmed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('withdrawn_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('method', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='core.paymentmethod')),
            ], options={"constraints": [models.UniqueConstraint(fields=('method', 'number'), name='payee_version_number'), models.UniqueConstraint(condition=models.Q(('in_force_at', None), ('withdrawn_at', None)), fields=('method',), name='payee_version_one_waits'), models.CheckConstraint(condition=models.Q(('confirmed_by', None), models.Q(('confirmed_by', models.F('asked_by')), _negated=True), _connector='OR'), name='payee_version_confirmed_by_another'), models.CheckConstraint(condition=models.Q(('in_force_at', None), ('withdrawn_at', None), _connector='OR'), name='payee_version_ends_once'), engine.triggers.NoDelete(name='payee_version_kept'), core.models.payee_guards.PayeeVersionKept(name='payee_version_guard'),],},
        ),
        migrations.AddField(
            model_name='invoice',
            name='payment_method',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.paymentmethod'),
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code', models.SlugField(max_length=30, unique=True)),
                ('name', models.CharField(max_length=100)),
                ('credits', models.PositiveIntegerField()),
                ('trial_days', models.PositiveSmallIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(365)])),
                ('max_sites', models.PositiveIntegerField(blank=True, null=True)),
                ('max_users', models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('is_public', models.BooleanField(default=True)),
                ('position', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.CheckConstraint(condition=models.Q(('trial_days__lte', 365), models.Q(('max_users', None), ('max_users__gte', 1), _connector='OR')), name='plan_in_range'), core.models.guards.CodeKept(name='plan_code_kept', references=[('core_invoice', 'plan_id'), ('core_subscription', 'next_plan_id'), ('core_subscription', 'plan_id')])],
            },
        ),
        migrations.AddField(
            model_name='invoice',
            name='plan',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.plan'),
        ),
        migrations.CreateModel(
            name='PlanPrice',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(max_length=3)),
                ('interval', models.CharField(choices=[('month', 'Month'), ('year', 'Year')], default='month', max_length=5)),
                ('amount', core.models.base.MoneyField()),
                ('retired_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='prices', to='core.plan')),
            ], options={"constraints": [models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('plan', 'currency', 'interval'), name='plan_price_offered_once'), models.CheckConstraint(condition=models.Q(('amount__gte', Decimal('0')), ('amount__lt', Decimal('1000000000000'))), name='plan_price_in_range'), models.CheckConstraint(condition=models.Q(('retired_at__isnull', False), models.Q(('currency__regex', '^[A-Z]{3}$'), ('amount', django.db.models.functions.math.Round(models.F('amount'), models.Case(models.When(models.Q(('currency__in', ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'))), then=models.Value(0)), models.When(models.Q(('currency__in', ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'))), then=models.Value(3)), models.When(models.Q(('currency__in', ('CLF', 'UYW'))), then=models.Value(4)), default=models.Value(2), output_field=models.IntegerField()))), ('interval__in', ['month', 'year'])), _connector='OR'), name='plan_price_can_be_paid'),],},
        ),
        migrations.CreateModel(
            name='Policy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days_to_pay', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MaxValueValidator(365)])),
                ('renewal_lead_days', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MaxValueValidator(365)])),
                ('reminder_steps', models.JSONField(blank=True, default=core.models.policy.reminder_steps)),
                ('trial_warning_days', models.PositiveSmallIntegerField(default=3, validators=[django.core.validators.MaxValueValidator(365)])),
                ('signup_expiry_days', models.PositiveSmallIntegerField(default=14, validators=[django.core.validators.MaxValueValidator(365)])),
                ('grace_days', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MaxValueValidator(365)])),
                ('suspension_days', models.PositiveSmallIntegerField(default=30, validators=[django.core.validators.MaxValueValidator(365)])),
                ('claim_pause_days', models.PositiveSmallIntegerField(default=7, validators=[django.core.validators.MaxValueValidator(365)])),
                ('claim_ceilings', models.JSONField(blank=True, db_default=models.Value({'AED': 20000, 'BDT': 600000, 'BRL': 25000, 'EUR': 5000, 'GBP': 5000, 'IDR': 80000000, 'INR': 500000, 'JPY': 750000, 'KES': 650000, 'KRW': 7000000, 'NGN': 7500000, 'PKR': 1400000, 'USD': 5000, 'VND': 125000000, 'other': 5000}, models.JSONField()), default=core.models.policy.claim_ceilings)),
                ('adjustment_limit', models.PositiveIntegerField(db_default=1000000, default=1000000, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000000)])),
                ('grant_wait_hours', models.PositiveSmallIntegerField(db_default=24, default=24, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(720)])),
                ('payee_wait_hours', models.PositiveSmallIntegerField(db_default=4, default=4, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(720)])),
                ('payee_wait_hours_alone', models.PositiveSmallIntegerField(db_default=24, default=24, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(720)])),
            ],
            options={
                'verbose_name_plural': 'policy',
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='policy_is_one_row'), models.CheckConstraint(condition=models.Q(('claim_pause_days__lte', 365), ('days_to_pay__lte', 365), ('grace_days__lte', 365), ('renewal_lead_days__lte', 365), ('signup_expiry_days__lte', 365), ('suspension_days__lte', 365), ('trial_warning_days__lte', 365)), name='policy_days_in_range'), models.CheckConstraint(condition=models.Q(('payee_wait_hours__gte', 1), ('payee_wait_hours_alone__lte', 720), ('payee_wait_hours__lte', models.F('payee_wait_hours_alone'))), name='policy_payee_wait'), models.CheckConstraint(condition=models.Q(('grant_wait_hours__gte', 1), ('grant_wait_hours__lte', 720)), name='policy_grant_wait_hours'), models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('reminder_steps', path='strict $.type() == "array" && $.size() <= 10 && !exists($[*] ? (@.type() != "number" || @ < -365 || @ > 365 || @ != @.floor()))')), name='policy_reminder_steps'), models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('claim_ceilings', path='strict $.type() == "object" && !exists($.keyvalue() ? (@.value.type() != "number" || @.value < 0 || @.value > 999999999999 || @.value != @.value.floor() || !(@.key like_regex "^([A-Z]{3}|other)$")))')), name='policy_claim_ceilings'), models.CheckConstraint(condition=models.Q(('adjustment_limit__gte', 1), ('adjustment_limit__lte', 1000000000)), name='policy_adjustment_limit')],
            },
        ),
        migrations.CreateModel(
            name='SecurityEvent',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('name', models.CharField(max_length=40)),
                ('actor', models.UUIDField(null=True)),
                ('person', models.UUIDField(null=True)),
                ('facts', models.JSONField(default=dict)),
                ('request_id', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['person', 'id'], name='security_event_by_person')],
                'constraints': [engine.triggers.AppendOnly(name='security_event_append_only')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('browser', models.CharField(max_length=100)),
                ('began_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Site',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=150)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sites', to='core.account')),
                ('industry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.industry')),
            ], options={"constraints": [models.UniqueConstraint(fields=('account', 'name'), name='site_name_once'),],},
        ),
        migrations.CreateModel(
            name='SiteUserAccess',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('manager', 'Manager'), ('editor', 'Editor'), ('viewer', 'Viewer')], default='viewer', max_length=10)),
                ('site', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access', to='core.site')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='site_access', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'site user access',
            "constraints": [models.UniqueConstraint(fields=('site', 'user'), name='site_access_once'),],},
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('pending_payment', 'Pending Payment'), ('active', 'Active'), ('past_due', 'Past Due'), ('suspended', 'Suspended'), ('cancelled', 'Cancelled'), ('expired', 'Expired')], default='pending_payment', max_length=20)),
                ('currency', models.CharField(max_length=3)),
                ('price', core.models.base.MoneyField()),
                ('interval', models.CharField(choices=[('month', 'Month'), ('year', 'Year')], max_length=5)),
                ('credits', models.PositiveIntegerField(blank=True, null=True)),
                ('anchor_day', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('period_start', models.DateField(blank=True, null=True)),
                ('period_end', models.DateField(blank=True, null=True)),
                ('cancel_at_period_end', models.BooleanField(default=False)),
                ('next_price', core.models.base.MoneyField(blank=True, null=True)),
                ('next_credits', models.PositiveIntegerField(blank=True, null=True)),
                ('next_interval', models.CharField(blank=True, choices=[('month', 'Month'), ('year', 'Year')], max_length=5, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='core.account')),
                ('next_plan', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.plan')),
                ('plan', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.plan')),
                ('previous', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.subscription')),
            ], options={"constraints": [models.UniqueConstraint(condition=models.Q(('status__in', ['active', 'past_due', 'suspended'])), fields=('account',), name='subscription_one_open_per_account'), models.CheckConstraint(condition=models.Q(('price__gte', Decimal('0')), ('price__lt', Decimal('1000000000000'))), name='subscription_price_in_range'), models.CheckConstraint(condition=models.Q(models.Q(('next_credits__isnull', True), ('next_interval__isnull', True), ('next_plan__isnull', True), ('next_price__isnull', True)), models.Q(('next_credits__isnull', False), ('next_interval__isnull', False), ('next_plan__isnull', False), ('next_price__isnull', False), ('next_price__gte', Decimal('0')), ('next_price__lt', Decimal('1000000000000'))), _connector='OR'), name='subscription_next_is_whole'), models.CheckConstraint(condition=models.Q(('cancel_at_period_end', False), ('next_plan__isnull', True), _connector='OR'), name='subscription_ends_or_goes_on'), engine.triggers.StatusGuard(edges=['activate:pending_payment>active', 'begin:>pending_payment', 'cancel:active>cancelled', 'cancel:past_due>cancelled', 'cancel:pending_payment>cancelled', 'cancel:suspended>cancelled', 'end:active>cancelled', 'end:past_due>cancelled', 'end:pending_payment>cancelled', 'end:suspended>cancelled', 'expire:pending_payment>expired', 'fall_behind:active>past_due', 'recover:past_due>active', 'recover:suspended>active', 'renew:active>active', 'suspend:past_due>suspended', 'upgrade:active>active'], machine='subscription', name='subscription_status_guard'), engine.triggers.NoDelete(name='subscription_kept'),],},
        ),
        migrations.AddField(
            model_name='invoice',
            name='subscription',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='core.subscription'),
        ),
        migrations.CreateModel(
            name='TransitionDigest',
            fields=[
                ('transition_id', models.UUIDField(primary_key=True, serialize=False)),
                ('day', models.DateField(db_index=True)),
                ('salt', models.UUIDField(null=True)),
                ('texts', models.CharField(max_length=64)),
                ('whole', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [engine.triggers.NoDelete(name='transition_digest_kept'), engine.triggers.Frozen(blankable=['salt'], columns=['day', 'texts', 'transition_id', 'whole'], name='transition_digest_frozen')],
            },
        ),
        migrations.CreateModel(
            name='CrowdedTrial',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reason', models.CharField(choices=[('network', 'Network'), ('domain', 'Domain')], max_length=10)),
                ('key', models.CharField(max_length=254)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('seen_at', models.DateTimeField(editable=False, null=True)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='crowds', to='core.account')),
                ('seen_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('seen_at__isnull', True)), fields=['reason', 'key'], name='crowded_trial_unseen')],
                'constraints': [models.UniqueConstraint(fields=('account', 'reason'), name='crowded_trial_once')],
            },
        ),
        migrations.CreateModel(
            name='DutyGrant',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('give', 'Give'), ('take', 'Take'), ('email', 'Email')], max_length=10)),
                ('group_name', models.CharField(blank=True, max_length=150)),
                ('duties', models.JSONField(default=list)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('origin', models.CharField(choices=[('person', 'Person'), ('operator', 'Operator'), ('before', 'Before'), ('database', 'Database')], max_length=10)),
                ('asked_at', models.DateTimeField(db_default=core.models.duty.ClockTimestamp())),
                ('waits_until', models.DateTimeField(null=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('in_force_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('confirmed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='duty_grants', to=settings.AUTH_USER_MODEL)),
                ('withdrawn_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': [('grant_duties', 'Ask for and confirm what staff may do')],
                'indexes': [models.Index(condition=models.Q(('in_force_at', None), ('withdrawn_at', None)), fields=['id'], name='duty_grant_open')],
                'constraints': [engine.triggers.NoDelete(name='duty_grant_kept'), core.models.guards.SetOnce(columns=['confirmed_at', 'confirmed_by_id', 'in_force_at', 'withdrawn_at', 'withdrawn_by_id'], erasable=['email'], name='duty_grant_set_once'), models.CheckConstraint(condition=models.Q(models.Q(('person__isnull', False), ('group_name', '')), models.Q(('person__isnull', True), models.Q(('group_name', ''), _negated=True), models.Q(('origin', 'person'), _negated=True)), _connector='OR'), name='duty_grant_of_one'), models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('duties', path='strict $.type() == "array" && !exists($[*] ? (@.type() != "string"))'), models.Q(('duties', []), _negated=True)), name='duty_grant_words'), models.CheckConstraint(condition=models.Q(models.Q(('asked_by__isnull', False), ('origin', 'person'), ('waits_until__isnull', False)), models.Q(models.Q(('origin', 'person'), _negated=True), ('asked_by__isnull', True)), _connector='OR'), name='duty_grant_asked_by_a_person'), models.CheckConstraint(condition=models.Q(('asked_by__isnull', True), models.Q(('asked_by', models.F('person')), _negated=True), _connector='OR'), name='duty_grant_for_another'), models.CheckConstraint(condition=models.Q(('confirmed_by__isnull', True), models.Q(('confirmed_at__isnull', False), models.Q(('confirmed_by', models.F('person')), _negated=True), models.Q(('confirmed_by', models.F('asked_by')), _negated=True)), _connector='OR'), name='duty_grant_confirmed_by_another'), models.CheckConstraint(condition=models.Q(('in_force_at__isnull', True), ('kind', 'take'), models.Q(('origin', 'person'), _negated=True), ('confirmed_by__isnull', False), ('in_force_at__gte', models.F('waits_until')), _connector='OR'), name='duty_grant_in_force_by_two_or_time'), models.CheckConstraint(condition=models.Q(('in_force_at__isnull', True), ('withdrawn_at__isnull', True), _connector='OR'), name='duty_grant_withdrawn_or_in_force')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('email_canonical', models.CharField(editable=False, max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('member', 'Member'), ('viewer', 'Viewer')], default='member', max_length=10)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='core.account')),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['email_canonical'], name='invitation_by_email')],
                'constraints': [models.UniqueConstraint(fields=('account', 'email_canonical'), name='invitation_once')],
            },
        ),
        migrations.CreateModel(
            name='CreditEntry',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('grant', 'Grant'), ('consume', 'Consume'), ('revoke', 'Revoke'), ('adjust', 'Adjust')], max_length=10)),
                ('amount', models.BigIntegerField()),
                ('balance_after', models.BigIntegerField()),
                ('key', models.CharField(max_length=255)),
                ('description', models.CharField(blank=True, max_length=255)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='credit_entries', to='core.account')),
                ('actor', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('cause', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_entries', to='engine.transition')),
                ('invoice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='credit_entries', to='core.invoice')),
            ],
            options={
                'verbose_name_plural': 'credit entries',
                'permissions': [('adjust_credits', 'Adjust the credits of an account')],
                'indexes': [models.Index(fields=['account', '-id'], name='credit_entry_newest'), models.Index(condition=models.Q(('actor__isnull', False)), fields=['actor'], name='credit_entry_by_person')],
                'constraints': [engine.triggers.AppendOnly(name='credit_entry_append_only'), models.UniqueConstraint(fields=('account', 'key'), name='credit_entry_once'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='credit_entry_not_zero'), models.CheckConstraint(condition=models.Q(('balance_after__gte', 0)), name='credit_balance_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('member', 'Member'), ('viewer', 'Viewer')], default='member', max_length=10)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='core.account')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='membership', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [core.models.guards.OwnerKept(name='membership_owner_kept'), core.models.guards.MembershipRecorded(name='membership_recorded')],
            },
        ),
        migrations.CreateModel(
            name='BalanceEntry',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(max_length=3)),
                ('amount', core.models.base.MoneyField()),
                ('key', models.CharField(max_length=100)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='balance_entries', to='core.account')),
                ('payment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='balance_entries', to='core.payment')),
            ],
            options={
                'verbose_name_plural': 'balance entries',
                'constraints': [engine.triggers.AppendOnly(name='balance_entry_append_only'), models.UniqueConstraint(fields=('account', 'key'), name='balance_entry_once'), models.CheckConstraint(condition=models.Q(models.Q(('amount', 0), _negated=True), ('amount__gt', -1000000000000), ('amount__lt', 1000000000000)), name='balance_entry_in_range')],
            },
        ),
        migrations.CreateModel(
            name='Allocation',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('amount', core.models.base.MoneyField()),
                ('effect_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.account')),
                ('reverses', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='core.allocation')),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='core.invoice')),
                ('payment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='core.payment')),
            ],
            options={
                'constraints': [engine.triggers.AppendOnly(name='allocation_append_only'), models.UniqueConstraint(condition=models.Q(('reverses__isnull', True)), fields=('payment', 'invoice', 'effect_id'), name='allocation_once_by_effect'), models.CheckConstraint(condition=models.Q(models.Q(('reverses__isnull', True), ('amount__gt', Decimal('0')), ('amount__lt', Decimal('1000000000000'))), models.Q(('amount__gt', -1000000000000), ('amount__lt', 0), ('reverses__isnull', False)), _connector='OR'), name='allocation_amount_in_range')],
            },
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('plan_price__isnull', True), models.Q(('plan_price__gte', Decimal('0')), ('plan_price__lt', Decimal('1000000000000'))), _connector='OR'), name='invoice_plan_price_in_range'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.UniqueConstraint(condition=models.Q(('purpose', 'renewal'), models.Q(('status', 'void'), _negated=True)), fields=('subscription', 'period_start'), name='invoice_one_renewal_per_period'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=engine.triggers.Frozen(columns=['account_id', 'currency', 'issued_on', 'metadata->agreed', 'metadata->billing_snapshot', 'metadata->subscription_id', 'number', 'period_end', 'period_start', 'plan_credits', 'plan_id', 'plan_interval', 'plan_price', 'purpose', 'subscription_id', 'total'], name='invoice_frozen', when="OLD.status <> 'draft'"),
        ),
    ]
