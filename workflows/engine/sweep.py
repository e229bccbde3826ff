"""Find the debts that nobody rang for. Any number of processes may sweep at once, none is the leader."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection

from workflows.engine.registry import kinds

UNHEARD = timedelta(seconds=1)  # due for longer than this: its ring is taken for lost
MAX_CRASHES = 3


def sweep(limit: int = 500) -> list[UUID]:
    """Take back leases that ran out, and return effects that have been due for a while, to be rung again."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH lost AS (
                SELECT id FROM core_effect WHERE state = 'leased' AND lease_until < now()
                ORDER BY lease_until LIMIT %(limit)s FOR UPDATE SKIP LOCKED
            )
            UPDATE core_effect AS effect
            SET state = CASE WHEN crashes + 1 >= %(crashes)s THEN 'dead' ELSE 'ready' END,
                crashes = crashes + 1, lease_until = NULL, last_error = 'its worker did not come back'
            FROM lost WHERE effect.id = lost.id""",
            {"limit": limit, "crashes": MAX_CRASHES},
        )
        cursor.execute(
            """SELECT id FROM core_effect
               WHERE state = 'ready' AND run_at < now() - %(unheard)s::interval AND kind = ANY(%(kinds)s)
               ORDER BY run_at, id LIMIT %(limit)s""",
            {"unheard": str(UNHEARD), "kinds": list(kinds), "limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]
