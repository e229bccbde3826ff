"""References in other scripts get the key that they would get today: digits folded, letters in their usual form.

Keys of references in ASCII are what they were, so only the others are read, in batches that lock nothing for long.
Where two claims of one account become the same reference, the older one gets the key and the later one stays as it
is: both are there, and the next claim of that reference is refused. Run again, it finds what is left to do.
"""

from typing import Any

from django.db import IntegrityError, migrations, transaction

from core.models.payment import normal_reference

BATCH = 1000


def fold(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        last = "00000000-0000-0000-0000-000000000000"
        while rows := _next(cursor, last):
            for key, reference, kept in rows:
                folded = normal_reference(reference)
                if folded != kept:
                    _give(cursor, key, folded)
            last = rows[-1][0]


def _next(cursor: Any, last: Any) -> list[Any]:
    cursor.execute(
        """SELECT id, reference, reference_key FROM core_payment
           WHERE id > %s AND octet_length(reference) > char_length(reference) ORDER BY id LIMIT %s""",
        [last, BATCH],
    )
    rows: list[Any] = cursor.fetchall()
    return rows


def _give(cursor: Any, key: Any, folded: str) -> None:
    try:
        with transaction.atomic():
            cursor.execute("UPDATE core_payment SET reference_key = %s WHERE id = %s", [folded, key])
    except IntegrityError as error:
        if "payment_reference_" not in str(error):  # whichever index refuses it: 0063 has another one
            raise


class Migration(migrations.Migration):
    atomic = False  # each row is an update of its own

    dependencies = [("core", "0021_watch_old_claims")]

    operations = [migrations.RunPython(fold, migrations.RunPython.noop, elidable=True)]
