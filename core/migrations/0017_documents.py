import django.db.models.deletion
import engine.ids
import engine.stateful
import engine.triggers
from django.db import migrations, models


VIEW = """
CREATE VIEW audit.documents AS
    SELECT id, kind, number, account_id, subject_id, sha256, previous_sha256, made_at, status, place, size, language,
        created_at
    FROM core_document;
"""
# A PDF is compressed already.
NOT_COMPRESSED = "ALTER TABLE core_documentfile ALTER COLUMN content SET STORAGE EXTERNAL;"


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0016_seller_of_invoices'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='attaches_documents',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.CreateModel(
            name='Document',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=0, editable=False)),
                ('status', engine.stateful.StatusField(choices=[('waiting', 'Waiting'), ('prepared', 'Prepared'), ('made', 'Made')], default='prepared', max_length=20)),
                ('kind', models.CharField(choices=[('invoice', 'Invoice'), ('proforma', 'Proforma'), ('receipt', 'Receipt'), ('credit_note', 'Credit Note'), ('statement', 'Statement'), ('reminder', 'Reminder'), ('cancellation', 'Cancellation')], max_length=12)),
                ('key', models.CharField(max_length=120)),
                ('subject_id', models.UUIDField()),
                ('number', models.CharField(max_length=30, null=True)),
                ('series', models.CharField(max_length=20, null=True)),
                ('series_count', models.PositiveBigIntegerField(null=True)),
                ('language', models.CharField(max_length=10)),
                ('format', models.CharField(choices=[('pdf', 'Pdf')], default='pdf', max_length=3)),
                ('data', models.JSONField(default=dict)),
                ('missing', models.JSONField(default=list)),
                ('template_version', models.PositiveSmallIntegerField(null=True)),
                ('sha256', models.CharField(max_length=64, null=True)),
                ('place', models.PositiveBigIntegerField(null=True)),
                ('previous_sha256', models.CharField(max_length=64, null=True)),
                ('size', models.PositiveIntegerField(null=True)),
                ('made_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='documents', to='core.account')),
                ('seller', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.sellerversion')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('key',), name='document_once'),
                    models.UniqueConstraint(condition=models.Q(('kind', 'invoice'), _negated=True), fields=('number',), name='document_number'),
                    models.UniqueConstraint(fields=('place',), name='document_place'),
                    models.CheckConstraint(condition=models.Q(models.Q(('series__isnull', True), ('series_count__isnull', True)), models.Q(('number__isnull', False), ('series__isnull', False), ('series_count__isnull', False)), _connector='OR'), name='document_series_is_whole'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'made'), _negated=True), models.Q(('made_at__isnull', False), ('place__isnull', False), ('previous_sha256__isnull', False), ('seller__isnull', False), ('sha256__regex', '^[0-9a-f]{64}$'), ('size__gt', 0), ('template_version__isnull', False)), _connector='OR'), name='document_made_is_complete'),
                    models.CheckConstraint(condition=models.Q(models.Q(('status', 'waiting'), _negated=True), models.Q(('missing', []), _negated=True), _connector='OR'), name='document_waits_for_something'),
                    engine.triggers.Frozen(columns=['account_id', 'format', 'key', 'kind', 'subject_id'], name='document_frozen', once=['made_at', 'number', 'place', 'previous_sha256', 'series', 'series_count', 'sha256', 'size', 'template_version']),
                    engine.triggers.Frozen(columns=['data', 'language', 'missing', 'seller_id'], name='document_words_frozen', when="OLD.status = 'made'"),
                    engine.triggers.StatusGuard(edges=['begin:>prepared', 'begin:>waiting', 'hold:prepared>waiting', 'make:prepared>made', 'prepare:waiting>prepared'], machine='document', name='document_status_guard'),
                    engine.triggers.NoDelete(name='document_kept'),
                ],
                'indexes': [
                    models.Index(fields=['account', '-id'], name='document_of_account'),
                    models.Index(fields=['subject_id'], name='document_of_subject'),
                    models.Index(condition=models.Q(('status', 'made'), _negated=True), fields=['id'], name='document_waiting'),
                ],
            },
        ),
        migrations.CreateModel(
            name='DocumentChain',
            fields=[
                ('seller', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='core.seller')),
                ('place', models.PositiveBigIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name='DocumentFile',
            fields=[
                ('document', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='file', serialize=False, to='core.document')),
                ('content', models.BinaryField()),
            ],
            options={
                'constraints': [engine.triggers.AppendOnly(name='document_file_append_only')],
            },
        ),
        migrations.RunSQL(NOT_COMPRESSED, migrations.RunSQL.noop),
        migrations.RunSQL(VIEW, "DROP VIEW audit.documents"),
    ]
