import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0011_pending_line_bank_id'),
    ]

    operations = [
        migrations.AddField(
            model_name='bankaccount',
            name='rules_by_hand',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, db_default=[], default=list, size=None),
        ),
    ]
