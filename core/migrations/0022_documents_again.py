"""People may have a document mailed, or made, once more. The trigger is replaced without a moment without one."""

from django.db import migrations

from engine.triggers import StatusGuard

EDGES = ["begin:>prepared", "begin:>waiting", "hold:prepared>waiting", "make:prepared>made", "prepare:waiting>prepared"]
MORE = ["prepare_again:waiting>prepared", "send:made>made"]


def guard(*more):
    return StatusGuard(name="document_status_guard", machine="document", edges=[*EDGES, *more])


def put_trigger(trigger):
    def put(apps, schema_editor):
        sql = trigger.create_sql(apps.get_model("core", "Document"), schema_editor)
        schema_editor.execute(sql.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER"), params=None)

    return put


class Migration(migrations.Migration):
    dependencies = [("core", "0021_credited_invoices")]

    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunPython(put_trigger(guard(*MORE)), put_trigger(guard()))],
            [
                migrations.RemoveConstraint("document", "document_status_guard"),
                migrations.AddConstraint("document", guard(*MORE)),
            ],
        ),
    ]
