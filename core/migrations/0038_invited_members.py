"""Members who were invited and never set a password become offers: they had rights in an account they never saw.

Who is an owner stays one where nobody else could own the account. Their row stays, inactive, as that of a member who was
removed; links that were mailed go on working, and what is still to be mailed is mailed.
"""

from django.db import migrations
from django.db.transaction import atomic

BATCH = 1000
NEVER_CAME = "{0}.password LIKE '!%%' AND {0}.email_verified_at IS NULL AND {0}.last_login IS NULL"

INVITED = f"""
    SELECT member.id, member.account_id, person.id, person.email, person.email_canonical, member.role
    FROM core_membership AS member JOIN core_user AS person ON person.id = member.user_id
    JOIN core_account AS account ON account.id = member.account_id
    WHERE member.id > %s AND {NEVER_CAME.format("person")} AND person.is_active
        AND NOT person.is_staff AND NOT person.is_superuser AND account.status <> 'closed'
        AND person.id::text = ANY(%s)
        AND (member.role <> 'owner' OR EXISTS (
            SELECT FROM core_membership AS other JOIN core_user AS owner ON owner.id = other.user_id
            WHERE other.account_id = member.account_id AND other.role = 'owner' AND owner.is_active
                AND NOT ({NEVER_CAME.format("owner")})))
    ORDER BY member.id LIMIT {BATCH}"""
MAILED = "SELECT payload ->> 'user', payload ->> 'by' FROM core_effect WHERE kind = 'mail.member_invited' ORDER BY id"
OFFER = """
    INSERT INTO core_invitation (id, account_id, email, email_canonical, role, invited_by_id, created_at)
    SELECT %s, %s, %s, %s, %s, (SELECT id FROM core_user WHERE id::text = %s), now()
    ON CONFLICT DO NOTHING"""
STILL_TO_MAIL = """
    UPDATE core_effect SET payload = jsonb_build_object('invitation', %s::text)
    WHERE kind = 'mail.member_invited' AND payload ->> 'user' = %s AND state NOT IN ('done', 'skipped')"""
NO_ACCESS = """
    DELETE FROM core_siteuseraccess WHERE user_id = %s
        AND site_id IN (SELECT id FROM core_site WHERE account_id = %s)"""


def offer(apps, schema_editor):
    """In small commits, and again from the start after a break: who became an offer is no member any more."""
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MAILED)
        inviters = dict(cursor.fetchall())  # the latest of each
        while True:
            cursor.execute(INVITED, [last, [who for who in inviters if who]])
            rows = cursor.fetchall()
            if not rows:
                return
            with atomic():
                for row in rows:
                    _offer(cursor, inviters, *row)
            last = rows[-1][0]


def _offer(cursor, inviters, member, account, person, email, canonical, role):
    cursor.execute(OFFER, [member, account, email, canonical, role, inviters[str(person)]])
    cursor.execute(STILL_TO_MAIL, [str(member), str(person)])
    cursor.execute(NO_ACCESS, [person, account])
    cursor.execute("DELETE FROM core_membership WHERE id = %s", [member])
    cursor.execute("UPDATE core_user SET is_active = false WHERE id = %s", [person])


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0037_invitations")]

    operations = [migrations.RunPython(offer, migrations.RunPython.noop, elidable=True)]
