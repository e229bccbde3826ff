import core.models.base
import core.models.guards
import core.validation.number_templates
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import engine.ids
import engine.triggers
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The business that bills, the lines of an invoice and their tax. Invoices from before have the total alone."""

    dependencies = [
        ('core', '0014_tax_rules'),
    ]

    operations = [
        migrations.CreateModel(
            name='Logo',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('png', 'Png'), ('svg', 'Svg')], max_length=3)),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('sha256',), name='logo_once'),
                    engine.triggers.AppendOnly(name='logo_append_only'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Seller',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(default='1', max_length=3)),
                ('number_templates', models.JSONField(default=core.validation.number_templates.number_templates)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('code',), name='seller_code'),
                    engine.triggers.NoDelete(name='seller_kept'),
                ],
            },
        ),
        migrations.CreateModel(
            name='SellerVersion',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('legal_name', models.CharField(max_length=150)),
                ('brand_name', models.CharField(blank=True, max_length=60)),
                ('address_line1', models.CharField(max_length=200)),
                ('address_line2', models.CharField(blank=True, max_length=200)),
                ('city', models.CharField(max_length=100)),
                ('state', models.CharField(blank=True, max_length=100)),
                ('postal_code', models.CharField(blank=True, max_length=20)),
                ('country', models.CharField(max_length=2)),
                ('tax_ids', models.JSONField(blank=True, default=list)),
                ('registration', models.CharField(blank=True, max_length=200)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('website', models.CharField(blank=True, max_length=200, validators=[django.core.validators.URLValidator(schemes=['http', 'https'])])),
                ('support_url', models.CharField(blank=True, max_length=200, validators=[django.core.validators.URLValidator(schemes=['http', 'https'])])),
                ('bank_details', models.TextField(blank=True, max_length=500)),
                ('terms', models.TextField(blank=True, max_length=1000)),
                ('footer', models.TextField(blank=True, max_length=500)),
                ('sender_name', models.CharField(blank=True, max_length=60)),
                ('reply_to', models.EmailField(blank=True, max_length=254)),
                ('colour', models.CharField(default='#1f4f46', max_length=7)),
                ('paper', models.CharField(choices=[('a4', 'A4'), ('letter', 'Letter')], default='a4', max_length=6)),
                ('names_signer', models.BooleanField(default=False)),
                ('shows_mark', models.BooleanField(default=True)),
                ('saved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('logo', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.logo')),
                ('saved_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('seller', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='core.seller')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('seller', 'number'), name='seller_version_number'),
                    models.CheckConstraint(condition=models.Q(models.Q(('legal_name', ''), _negated=True), models.Q(('address_line1', ''), _negated=True), models.Q(('city', ''), _negated=True)), name='seller_version_is_named'),
                    models.CheckConstraint(condition=models.Q(('country__regex', '^[A-Z]{2}$')), name='seller_version_country'),
                    models.CheckConstraint(condition=models.Q(('colour__regex', '^#[0-9a-f]{6}$')), name='seller_version_colour'),
                    models.CheckConstraint(condition=models.Q(core.models.base.JsonFits('tax_ids', path='strict $.type() == "array" && $.size() <= 5 && !exists($[*] ? (@.type() != "object"))')), name='seller_version_tax_ids'),
                    engine.triggers.AppendOnly(name='seller_version_append_only'),
                ],
                'permissions': [('change_seller', 'Change what documents say of the business')],
            },
        ),
        migrations.CreateModel(
            name='InvoiceLine',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveSmallIntegerField()),
                ('kind', models.CharField(choices=[('subscription', 'Subscription'), ('credits', 'Credits')], default='subscription', max_length=12)),
                ('description', models.CharField(max_length=300)),
                ('quantity', models.DecimalField(decimal_places=4, default=Decimal('1'), max_digits=15)),
                ('unit', models.CharField(choices=[('C62', 'Piece'), ('MON', 'Month'), ('ANN', 'Year')], default='C62', max_length=3)),
                ('unit_price', models.DecimalField(decimal_places=6, max_digits=21)),
                ('net', core.models.base.MoneyField()),
                ('amount', core.models.base.MoneyField()),
                ('tax_category', models.CharField(choices=[('S', 'Standard'), ('Z', 'Zero'), ('E', 'Exempt'), ('AE', 'Reverse Charge'), ('O', 'Outside Scope'), ('G', 'Export'), ('K', 'Intra Community')], max_length=2)),
                ('tax_rate', models.DecimalField(decimal_places=3, max_digits=6)),
                ('period_start', models.DateField(null=True)),
                ('period_end', models.DateField(null=True)),
                ('invoice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='core.invoice')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('invoice', 'position'), name='invoice_line_position'),
                    models.CheckConstraint(condition=models.Q(('net__gt', Decimal('-1000000000000')), ('net__lt', Decimal('1000000000000')), models.Q(('quantity', 0), _negated=True)), name='invoice_line_in_range'),
                    models.CheckConstraint(condition=models.Q(models.Q(('tax_category', 'S'), ('tax_rate__gte', 0), ('tax_rate__lte', 100)), ('tax_rate', 0), _connector='OR'), name='invoice_line_rate'),
                    core.models.guards.LinesWhileDraft(name='invoice_line_while_draft'),
                    engine.triggers.AppendOnly(name='invoice_line_append_only'),
                ],
                'ordering': ['position'],
            },
        ),
        migrations.AddField(
            model_name='invoice',
            name='net',
            field=core.models.base.MoneyField(null=True),
        ),
        migrations.AddField(
            model_name='invoice',
            name='tax',
            field=core.models.base.MoneyField(null=True),
        ),
        migrations.AddField(
            model_name='invoice',
            name='series',
            field=models.CharField(max_length=20, null=True),
        ),
        migrations.AddField(
            model_name='invoice',
            name='series_count',
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='invoice',
            name='tax_details',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name='numberseries',
            name='templates',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), db_default=[], default=list, size=None),
        ),
        migrations.AddField(
            model_name='planprice',
            name='includes_tax',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='subscription',
            name='includes_tax',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='subscription',
            name='next_includes_tax',
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
