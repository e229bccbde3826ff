"""What models cannot declare: keys that carry the tenant, triggers on tables of Django, the views of `audit`."""

from django.db import migrations

# A payment cannot pay another account's invoice, whatever the code says.
TENANT_KEYS = {
    "payment_invoice_same_account": ("core_payment", "invoice_id", "core_invoice"),
    "allocation_payment_same_account": ("core_allocation", "payment_id", "core_payment"),
    "allocation_invoice_same_account": ("core_allocation", "invoice_id", "core_invoice"),
}
# Django adds an index for LIKE to each unique text. Nothing searches these by pattern, and each write would pay for it.
UNUSED = ("engine_effect", "key"), ("core_invoice", "number"), ("core_ratelimitbucket", "key")

# The change log of Django's admin is insert-only.
ADMIN_LOG = """
CREATE TRIGGER admin_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON django_admin_log
FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();

-- With the rights of its owner, for who may only insert: what rows were called is forgotten with a person, also where
-- the admin's own message names a row beside them. Nothing else of them changes.
CREATE FUNCTION countersign_blank_log(keys int[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('countersign.thaw', true), '');
    changed bigint;
BEGIN
    PERFORM set_config('countersign.thaw', 'public.django_admin_log', true);
    WITH blanked AS (
        SELECT id, regexp_replace(change_message, '"object": "([^"\\\\]|\\\\.)*"', '"object": "Erased"', 'g') AS message
        FROM public.django_admin_log WHERE id = ANY (keys))
    UPDATE public.django_admin_log AS line SET object_repr = 'Erased', change_message = blanked.message
    FROM blanked WHERE line.id = blanked.id
        AND (line.object_repr, line.change_message) IS DISTINCT FROM ('Erased', blanked.message);
    GET DIAGNOSTICS changed = ROW_COUNT;
    PERFORM set_config('countersign.thaw', before, true);
    RETURN changed;
END $$;
REVOKE ALL ON FUNCTION countersign_blank_log(int[]) FROM PUBLIC;
"""

NO_ADMIN_LOG = """
DROP FUNCTION countersign_blank_log(int[]);
DROP TRIGGER admin_log_append_only ON django_admin_log;
"""

# No right without its row in core_dutygrant, for roles that do not own the tables. For their owner (migrations, manage.py
# run as the owner, a person with psql) the trigger writes the row, with the origin `database`.
# The row is one that came into force in this transaction, and the last that names the right.
RIGHT_CHANGED = """
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
GUARD_PERSON = """
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
GUARD_RIGHTS = """
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
NO_RIGHTS = """
DROP TRIGGER group_permission_has_row ON auth_group_permissions;
DROP TRIGGER user_group_has_row ON core_user_groups;
DROP TRIGGER user_permission_has_row ON core_user_user_permissions;
DROP TRIGGER person_right_has_row ON core_user;
DROP TRIGGER person_right_has_row_again ON core_user;
DROP FUNCTION countersign_guard_right();
DROP FUNCTION countersign_guard_person();
DROP FUNCTION countersign_right_changed(uuid, text, text, text, text);
"""

# Stable names for reports and for those who check our promises by SQL. Who reads a view needs no right on the tables
# behind it, so that a role may read these and no more.
AUDIT_VIEWS = {
    "accounts": "SELECT id, status, credits FROM core_account",
    "subscriptions": """
        SELECT s.id, s.account_id, p.code AS plan, s.status, s.period_start, s.period_end
        FROM core_subscription s JOIN core_plan p ON p.id = s.plan_id""",
    "invoices": "SELECT id, account_id, number, currency, total, allocated, status, due_on FROM core_invoice",
    "payments": """
        SELECT id, account_id, invoice_id, currency, amount, received, status,
            submitted_by_id AS submitted_by, decided_by_id AS decided_by
        FROM core_payment""",
    "allocations": "SELECT payment_id, invoice_id, amount FROM core_allocation",
    "balance_entries": "SELECT id, account_id, currency, amount, payment_id FROM core_balanceentry",
    "credit_entries": "SELECT id, account_id, amount, kind, key, balance_after FROM core_creditentry",
    "transitions": """
        SELECT id, nullif(account_id, '00000000-0000-0000-0000-000000000000') AS account_id, machine, object_id, seq,
            name, source, target, actor_id, cause_id, at
        FROM engine_transition""",
    "effects": """
        SELECT id, nullif(account_id, '00000000-0000-0000-0000-000000000000') AS account_id, transition_id, key, kind,
            state, attempts, run_at, done_at, last_error
        FROM engine_effect""",
    "mails": """
        SELECT e.id AS effect_id, e.outcome ->> 'kind' AS kind, r.recipient, e.outcome ->> 'message_id' AS message_id,
            e.done_at AS sent_at
        FROM engine_effect e CROSS JOIN LATERAL jsonb_array_elements_text(e.outcome -> 'recipients') AS r(recipient)
        WHERE e.state = 'done' AND e.outcome ? 'message_id'""",
}


def drop_unused_indexes(apps, schema_editor):
    """By what they are, because their names end in a hash."""
    with schema_editor.connection.cursor() as cursor:
        for table, column in UNUSED:
            cursor.execute(FIND_LIKE_INDEX, [table, column])
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP INDEX "{name}"')


def create_unused_indexes(apps, schema_editor):
    for table, column in UNUSED:
        schema_editor.execute(f"CREATE INDEX {table}_{column}_like ON {table} ({column} varchar_pattern_ops)")


FIND_LIKE_INDEX = """
    SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s
        AND indexdef LIKE '%%(' || %s || ' %%_pattern_ops)%%'"""


class Migration(migrations.Migration):
    dependencies = [("core", "0002_billing"), ("admin", "0003_logentry_add_action_flag_choices")]

    operations = [
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (account_id, {column}) "
                f"REFERENCES {target} (account_id, id) DEFERRABLE INITIALLY DEFERRED",
                f"ALTER TABLE {table} DROP CONSTRAINT {name}",
            )
            for name, (table, column, target) in TENANT_KEYS.items()
        ),
        migrations.RunPython(drop_unused_indexes, create_unused_indexes),
        migrations.RunSQL(ADMIN_LOG, NO_ADMIN_LOG),
        migrations.RunSQL(RIGHT_CHANGED + GUARD_PERSON + GUARD_RIGHTS, NO_RIGHTS),
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS audit", "DROP SCHEMA IF EXISTS audit"),
        *(
            migrations.RunSQL(f"CREATE VIEW audit.{name} AS {select}", f"DROP VIEW audit.{name}")
            for name, select in AUDIT_VIEWS.items()
        ),
    ]
