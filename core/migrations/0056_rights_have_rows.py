"""No right without its row in core_dutygrant: by trigger, on the tables of rights, for roles that do not own them.

The owner of the tables (migrations, manage.py run as the owner, a person with psql) is not refused: for them the
trigger writes the row, with the origin `database`.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

# The row is one that came into force in this transaction, and the last that names the right.
CHANGED = """
CREATE FUNCTION countersign_right_changed(who uuid, grp text, what text, word text, address text DEFAULT '')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    SELECT kind, in_force_at, email INTO last FROM core_dutygrant
    WHERE person_id IS NOT DISTINCT FROM who AND group_name = grp AND in_force_at IS NOT NULL
        AND duties @> to_jsonb(word)
    ORDER BY in_force_at DESC, asked_at DESC LIMIT 1;
    IF last.kind = what AND last.in_force_at = now() AND last.email = address THEN
        RETURN;
    END IF;
    IF pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = 'core_user'::regclass), 'MEMBER') THEN
        INSERT INTO core_dutygrant (id, kind, person_id, group_name, duties, email, reason, origin, in_force_at)
        VALUES (gen_random_uuid(), what, who, grp, jsonb_build_array(word), address, '', 'database', now());
        RETURN;
    END IF;
    RAISE integrity_constraint_violation USING CONSTRAINT = 'right_has_a_row', TABLE = 'core_dutygrant',
        MESSAGE = format('%s %s: no row in force says that it is: %s', coalesce(who::text, grp), word, what);
END $$;
"""
PERSON = """
CREATE FUNCTION countersign_guard_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was_staff boolean := false;
    was_superuser boolean := false;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was_staff := OLD.is_staff;
        was_superuser := OLD.is_superuser;
    END IF;
    IF NEW.is_staff <> was_staff THEN
        PERFORM countersign_right_changed(NEW.id, '', CASE WHEN NEW.is_staff THEN 'give' ELSE 'take' END, 'staff');
    END IF;
    IF NEW.is_superuser <> was_superuser THEN
        PERFORM countersign_right_changed(
            NEW.id, '', CASE WHEN NEW.is_superuser THEN 'give' ELSE 'take' END, 'superuser');
    END IF;
    IF TG_OP = 'UPDATE' AND (was_staff OR was_superuser) THEN
        IF NEW.is_active AND NOT OLD.is_active THEN
            PERFORM countersign_right_changed(NEW.id, '', 'give', 'active');
        END IF;
        IF NEW.is_active AND NEW.email_canonical <> OLD.email_canonical THEN
            PERFORM countersign_right_changed(NEW.id, '', 'email', 'email', NEW.email);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER person_right_has_row AFTER INSERT ON core_user
    FOR EACH ROW WHEN (NEW.is_staff OR NEW.is_superuser) EXECUTE FUNCTION countersign_guard_person();
CREATE TRIGGER person_right_has_row_again AFTER UPDATE ON core_user FOR EACH ROW
    WHEN (OLD.is_staff IS DISTINCT FROM NEW.is_staff OR OLD.is_superuser IS DISTINCT FROM NEW.is_superuser
        OR OLD.is_active IS DISTINCT FROM NEW.is_active OR OLD.email_canonical IS DISTINCT FROM NEW.email_canonical)
    EXECUTE FUNCTION countersign_guard_person();
"""
# The arguments are what the table is about: permissions of people, groups of people, permissions of groups.
HELD = """
CREATE FUNCTION countersign_guard_right() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change jsonb;
    what text;
    who uuid;
    grp text;
    word text;
BEGIN
    FOR what, change IN
        SELECT 'take', to_jsonb(OLD) WHERE TG_OP <> 'INSERT'
        UNION ALL SELECT 'give', to_jsonb(NEW) WHERE TG_OP <> 'DELETE'
    LOOP
        who := (change ->> 'user_id')::uuid;
        grp := '';
        IF TG_ARGV[0] = 'group' THEN
            SELECT 'group:' || name INTO word FROM auth_group WHERE id = (change ->> 'group_id')::int;
        ELSE
            SELECT type.app_label || '.' || permission.codename INTO word FROM auth_permission AS permission
            JOIN django_content_type AS type ON type.id = permission.content_type_id
            WHERE permission.id = (change ->> 'permission_id')::int;
        END IF;
        IF TG_ARGV[0] = 'of_group' THEN
            SELECT name INTO grp FROM auth_group WHERE id = (change ->> 'group_id')::int;
        END IF;
        PERFORM countersign_right_changed(who, coalesce(grp, 'a group that is gone'), what, coalesce(word, 'gone'));
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER user_permission_has_row AFTER INSERT OR UPDATE OR DELETE ON core_user_user_permissions
    FOR EACH ROW EXECUTE FUNCTION countersign_guard_right('permission');
CREATE TRIGGER user_group_has_row AFTER INSERT OR UPDATE OR DELETE ON core_user_groups
    FOR EACH ROW EXECUTE FUNCTION countersign_guard_right('group');
CREATE TRIGGER group_permission_has_row AFTER INSERT OR UPDATE OR DELETE ON auth_group_permissions
    FOR EACH ROW EXECUTE FUNCTION countersign_guard_right('of_group');
"""
AWAY = """
DROP TRIGGER group_permission_has_row ON auth_group_permissions;
DROP TRIGGER user_group_has_row ON core_user_groups;
DROP TRIGGER user_permission_has_row ON core_user_user_permissions;
DROP TRIGGER person_right_has_row ON core_user;
DROP TRIGGER person_right_has_row_again ON core_user;
DROP FUNCTION countersign_guard_right();
DROP FUNCTION countersign_guard_person();
DROP FUNCTION countersign_right_changed(uuid, text, text, text, text);
"""

# Rights that are held get their row: who gave them, nobody wrote down. Run again, it finds what has no row yet.
REMEMBER = """
    INSERT INTO core_dutygrant (id, kind, person_id, group_name, duties, email, reason, origin, in_force_at)
    SELECT gen_random_uuid(), 'give', held.person, held.grp, jsonb_agg(held.word ORDER BY held.word), '', '',
        'before', now()
    FROM (
        SELECT own.user_id AS person, '' AS grp, type.app_label || '.' || permission.codename AS word
        FROM core_user_user_permissions AS own
        JOIN auth_permission AS permission ON permission.id = own.permission_id
        JOIN django_content_type AS type ON type.id = permission.content_type_id
        UNION ALL SELECT mine.user_id, '', 'group:' || auth_group.name
        FROM core_user_groups AS mine JOIN auth_group ON auth_group.id = mine.group_id
        UNION ALL SELECT id, '', 'staff' FROM core_user WHERE is_staff
        UNION ALL SELECT id, '', 'superuser' FROM core_user WHERE is_superuser
        UNION ALL SELECT NULL, auth_group.name, type.app_label || '.' || permission.codename
        FROM auth_group_permissions AS shared JOIN auth_group ON auth_group.id = shared.group_id
        JOIN auth_permission AS permission ON permission.id = shared.permission_id
        JOIN django_content_type AS type ON type.id = permission.content_type_id
    ) AS held
    WHERE NOT EXISTS (
        SELECT FROM core_dutygrant AS row
        WHERE row.person_id IS NOT DISTINCT FROM held.person AND row.group_name = held.grp
            AND row.in_force_at IS NOT NULL AND row.duties @> to_jsonb(held.word))
    GROUP BY held.person, held.grp"""


def remember(apps, schema_editor):
    schema_editor.execute(REMEMBER)


class Migration(migrations.Migration):
    dependencies = [("core", "0055_duties"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        ValidateConstraint("policy", "policy_grant_wait_hours"),
        migrations.RunSQL(CHANGED + PERSON + HELD, AWAY),
        migrations.RunPython(remember, migrations.RunPython.noop, elidable=True),
    ]
