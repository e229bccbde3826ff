"""A table that waits for answers is kept for a day."""

import django.db.models.deletion
import django.db.models.functions.datetime
import engine.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_balance_of_refunds'),
    ]

    operations = [
        migrations.CreateModel(
            name='StatementDraft',
            fields=[
                ('id', models.UUIDField(default=engine.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('sha256', models.CharField(max_length=64)),
                ('name', models.CharField(blank=True, max_length=255)),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('bank_account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.bankaccount')),
                ('uploaded_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('uploaded_by', 'sha256'), name='statement_draft_once')],
            },
        ),
    ]
