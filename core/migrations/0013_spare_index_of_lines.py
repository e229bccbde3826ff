import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """statement_line_of_statement begins with the same column."""

    atomic = False
    dependencies = [
        ('core', '0012_rules_by_hand'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS core_statementline_statement_id_7b97bcc6;",
                    """CREATE INDEX CONCURRENTLY IF NOT EXISTS core_statementline_statement_id_7b97bcc6
                    ON core_statementline (statement_id);""",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='statementline',
                    name='statement',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='core.statement'),
                )
            ],
        ),
    ]
