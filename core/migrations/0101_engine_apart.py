"""The engine's tables are another app's from here on: nothing moves but their names in the permissions of people."""

import django.db.models.deletion
from django.db import migrations, models

MOVED = ("batch", "breaker", "effect", "effectevent", "effectpause", "throttle", "tick", "transition")

GONE = ("Batch", "EffectEvent", "EffectPause", "Effect", "Transition", "Breaker", "Throttle", "Tick")


def move(apps, source, target):
    """Who may see effects still may; `operate_effects` stays core's, as programs know it."""
    types = apps.get_model("contenttypes", "ContentType").objects
    permissions = apps.get_model("auth", "Permission").objects
    if target == "engine" and types.filter(app_label="core", model="effect").exists():
        stays, _ = types.get_or_create(app_label="core", model="historyhead")
        permissions.filter(content_type__app_label="core", codename="operate_effects").update(content_type=stays)
    types.filter(app_label=source, model__in=MOVED).update(app_label=target)
    if target == "core":
        back = types.filter(app_label="core", model="effect").first()
        permissions.filter(content_type__app_label="core", codename="operate_effects").update(content_type=back)


# No right is held without a row that says since when: under its new name, too.
HELD = """
INSERT INTO core_dutygrant (id, kind, person_id, group_name, duties, email, reason, origin, in_force_at)
SELECT gen_random_uuid(), 'give', person, coalesce(group_name, ''), jsonb_agg(word), '',
    'the tables of the engine became an app of their own', 'before', now()
FROM (
    SELECT own.user_id AS person, NULL AS group_name, own.permission_id FROM core_user_user_permissions AS own
    UNION ALL SELECT NULL, name, shared.permission_id
    FROM auth_group_permissions AS shared JOIN auth_group ON auth_group.id = shared.group_id
) AS held JOIN (
    SELECT permission.id, app_label || '.' || codename AS word FROM auth_permission AS permission
    JOIN django_content_type AS type ON type.id = content_type_id WHERE app_label = %s AND model = ANY (%s)
) AS moved ON moved.id = held.permission_id
GROUP BY person, group_name
"""


def say_held(schema_editor, target):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(HELD, [target, list(MOVED)])


def forwards(apps, schema_editor):
    move(apps, "core", "engine")
    say_held(schema_editor, "engine")


def backwards(apps, schema_editor):
    move(apps, "engine", "core")
    say_held(schema_editor, "core")


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("core", "0100_before_the_engine"),
        ("engine", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="creditentry",
                    name="cause",
                    field=models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credit_entries",
                        to="engine.transition",
                    ),
                ),
                migrations.RemoveField(model_name="effectevent", name="effect"),
                migrations.RemoveField(model_name="batch", name="then"),
                migrations.RemoveConstraint(model_name="effect", name="effect_counts_batch"),
                migrations.RemoveIndex(model_name="effect", name="effect_of_batch"),
                migrations.RemoveField(model_name="effect", name="batch"),
                migrations.RemoveField(model_name="effect", name="transition"),
                migrations.RemoveField(model_name="transition", name="cause"),
                *(migrations.DeleteModel(name) for name in GONE),
            ],
        ),
        migrations.AlterModelOptions(
            name="historyhead",
            options={"permissions": [("operate_effects", "See and repeat what the engine owes")]},
        ),
        migrations.RunPython(forwards, backwards),
    ]
