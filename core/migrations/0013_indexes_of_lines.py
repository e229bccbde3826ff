import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """One that another begins with goes; the desk's list of undecided lines gets its own."""

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
                ),
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS statement_line_on_the_desk;",  # half of one, of a run that was killed
                    migrations.RunSQL.noop,
                ),
                migrations.RunSQL(
                    """CREATE INDEX CONCURRENTLY statement_line_on_the_desk ON core_statementline (id DESC)
                    WHERE status IN ('open', 'suggested');""",
                    "DROP INDEX CONCURRENTLY IF EXISTS statement_line_on_the_desk;",
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name='statementline',
                    name='statement',
                    field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='core.statement'),
                ),
                migrations.AddIndex(
                    model_name='statementline',
                    index=models.Index(condition=models.Q(('status__in', ['open', 'suggested'])), fields=['-id'], name='statement_line_on_the_desk'),
                ),
            ],
        ),
    ]
