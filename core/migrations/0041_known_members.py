"""Who belongs to an account is written down, and who did as far as the history tells; so is who was of the staff.

A member who was let go before left no row of their own. What only members do says that they were one: to sign up, to
choose a plan, to withdraw a claim, and to claim a payment where the person never worked here.
"""

from django.db import migrations

# First, because it says of whom a recorded payment is no claim.
STAFF = """
    UPDATE core_user AS person SET was_staff = true
    WHERE NOT was_staff AND (is_staff OR is_superuser
        OR EXISTS (SELECT FROM core_user_user_permissions WHERE user_id = person.id)
        OR EXISTS (SELECT FROM core_user_groups WHERE user_id = person.id)
        OR EXISTS (SELECT FROM django_admin_log WHERE user_id = person.id)
        OR id IN (SELECT decided_by_id FROM core_payment) OR id IN (SELECT reversed_by_id FROM core_payment)
        OR id IN (SELECT actor_id FROM core_effectevent))"""
MEMBERS = """
    INSERT INTO core_membershiprecord (id, account_id, user_id, joined_at)
    SELECT gen_random_uuid(), account_id, user_id, now() FROM core_membership
    ON CONFLICT (user_id, account_id) DO NOTHING"""
FORMER = """
    INSERT INTO core_membershiprecord (id, account_id, user_id, joined_at)
    SELECT gen_random_uuid(), step.account_id, step.actor_id, min(step.at) FROM core_transition AS step
    JOIN core_user AS person ON person.id = step.actor_id
    WHERE (step.machine, step.name) IN (('account', 'begin'), ('subscription', 'begin'), ('payment', 'withdraw'))
        OR ((step.machine, step.name) = ('payment', 'begin') AND NOT person.was_staff)
    GROUP BY step.account_id, step.actor_id
    ON CONFLICT (user_id, account_id) DO NOTHING"""


def remember(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for sql in (STAFF, MEMBERS, FORMER):
            cursor.execute(sql)


class Migration(migrations.Migration):
    dependencies = [("core", "0040_outsiders_decide"), ("admin", "0003_logentry_add_action_flag_choices")]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop, elidable=True)]
