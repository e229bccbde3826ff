from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.pipeline import ask
from engine.sql import statement

COUNT_LIMIT = 10_000  # of each state, the newest
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


_GROUPS = statement("group_failures", counted=COUNT_LIMIT, groups=GROUPS)


def failures() -> list[Group]:
    """The largest group first.

    tried: never (nothing reached the far side), attempted, or uncertain (it may have happened).
    """
    return [Group(*row) for row in ask(_GROUPS, prepare=False).fetchall()]
