import core.models.guards
import django.db.models.deletion
import django.db.models.functions.datetime
import engine.ids
import engine.triggers
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0017_documents'),
    ]

    operations = [
        migrations.CreateModel(
            name='InvoiceLink',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('recipient', models.EmailField(blank=True, max_length=254)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invoice', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='core.invoice')),
                ('revoked_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('invoice', 'id'), name='invoice_link_of_invoice'),
                    models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at'))), name='invoice_link_ends_later'),
                    models.CheckConstraint(condition=models.Q(('revoked_by', None), ('revoked_at__isnull', False), _connector='OR'), name='invoice_link_revoked_at_some_time'),
                    engine.triggers.NoDelete(name='invoice_link_kept'),
                    core.models.guards.SetOnce(columns=['revoked_at', 'revoked_by_id'], erasable=['recipient'], name='invoice_link_set_once'),
                ],
            },
        ),
    ]
