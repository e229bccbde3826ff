"""Lines that name their author in the text that customers read say it in the column instead.

An adjustment was written as `reason (address)`, with an address cut short where both were long. The text loses it in
any case; where nobody of that address is there any more, the log keeps what was taken away. The ledger is append-only,
so its trigger is off while a thousand lines are written, in a transaction that lets nobody else write meanwhile.
Run again, it finds nothing more.
"""

import logging
import re

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models, transaction

log = logging.getLogger(__name__)
BATCH = 1000
AUTHOR = re.compile(r" \(([^()\s]*@[^()\s]*|[^()\s]*…)\)\Z")
LINES = """
    SELECT id, description FROM core_creditentry
    WHERE id > %s AND kind = 'adjust' AND starts_with(key, 'adjust:') AND actor_id IS NULL
    ORDER BY id LIMIT %s"""
WRITE = """
    UPDATE core_creditentry AS line SET actor_id = known.actor, description = known.words
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS known(id, actor, words) WHERE line.id = known.id"""


def move_authors(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(LINES, [last, BATCH])
            rows = cursor.fetchall()
            if not rows:
                return
            _write(cursor, [line for key, words in rows if (line := _parted(cursor, key, words))])
            last = rows[-1][0]


def _parted(cursor, key, words):
    """Key, author and reason of a line; None where it names nobody."""
    found = AUTHOR.search(words)
    if found is None:
        return None
    author = _person(cursor, found[1])
    if author is None:
        log.warning("Credit entry %s: nobody is known as %s, which is taken out of its text", key, found[1])
    return key, author, words[: found.start()]


def _person(cursor, address):
    """Who has that address, of the staff where it was cut short; None for nobody, or for several."""
    start = address.removesuffix("…")
    cursor.execute(
        "SELECT id FROM core_user WHERE CASE WHEN %s THEN starts_with(email, %s) AND is_staff ELSE email = %s END LIMIT 2",
        [start != address, start, address],
    )
    people = cursor.fetchall()
    return people[0][0] if len(people) == 1 else None


def _write(cursor, lines):
    if not lines:
        return
    with transaction.atomic():
        cursor.execute("ALTER TABLE core_creditentry DISABLE TRIGGER credit_entry_append_only")
        cursor.execute(WRITE, [list(column) for column in zip(*lines, strict=True)])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the key's: no trigger is switched while it waits
        cursor.execute("ALTER TABLE core_creditentry ENABLE TRIGGER credit_entry_append_only")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("core", "0045_author_of_line")]

    operations = [
        migrations.RunPython(move_authors, migrations.RunPython.noop),
        AddIndexConcurrently(
            model_name="creditentry",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor"], name="credit_entry_by_person"
            ),
        ),
    ]
