from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.pipeline import ask

COUNTED = 10_000  # of each state, the newest
GROUPS = 200


@dataclass(frozen=True)
class Group:
    """`example` is the newest effect."""

    kind: str
    cause: str
    state: str
    tried: str
    count: int
    oldest: datetime
    example: UUID


# One state at a time, each along its own index.
_FAILURES = f"""
    WITH failed AS (
        (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
         WHERE state = 'dead' ORDER BY id DESC LIMIT {COUNTED})
        UNION ALL
        (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
         WHERE state = 'uncertain' ORDER BY id DESC LIMIT {COUNTED})
        UNION ALL
        (SELECT id, kind, cause, state, attempts, created_at FROM engine_effect
         WHERE state = 'waiting' AND failing_since IS NOT NULL LIMIT {COUNTED})
    )
    SELECT kind, cause, state,
        CASE WHEN state = 'uncertain' THEN 'uncertain' WHEN max(attempts) = 0 THEN 'never' ELSE 'attempted' END,
        count(*), min(created_at), (array_agg(id ORDER BY id DESC))[1]
    FROM failed GROUP BY kind, cause, state, attempts = 0
    ORDER BY count(*) DESC, kind, cause, state LIMIT {GROUPS}"""


def failures() -> list[Group]:
    """The largest group first.

    tried: never (nothing reached the far side), attempted, or uncertain (it may have happened).
    """
    return [Group(*row) for row in ask(_FAILURES, prepare=False).fetchall()]
