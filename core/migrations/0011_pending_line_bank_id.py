from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0010_statement_draft'),
    ]

    operations = [
        migrations.AddField(
            model_name='pendingline',
            name='bank_id',
            field=models.CharField(blank=True, db_default='', default='', max_length=100),
        ),
    ]
