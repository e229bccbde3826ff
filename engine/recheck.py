from __future__ import annotations

from uuid import UUID

from django.db import connection
from django.db.transaction import atomic

from engine.persist import notify_after_commit
from engine.sql import statement

_LOOK_AGAIN = statement("look_again")


def look_again(*tenants: UUID) -> int:
    """Effects that were put off (NotYet) become due now; returns how many."""
    with atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(_LOOK_AGAIN, [list(tenants)])
            found = [row[0] for row in cursor.fetchall()]
        notify_after_commit(found)
    return len(found)
