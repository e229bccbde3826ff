from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import prefetch_related_objects

from engine.models import Effect, Transition

MAX_OWN_TRANSITIONS = 40  # the newest of the object
MAX_ROWS = 300  # transitions in all, and as many effects


@dataclass
class HistoryNode:
    transition: Transition
    effects: list[Effect] = field(default_factory=list)
    follows: list[HistoryNode] = field(default_factory=list)


def history_of(machine: str, object_id: UUID) -> list[HistoryNode]:
    """The first causes, oldest first, with all that followed; at most four queries."""
    rows = _family(machine, object_id)
    steps = {row.pk: HistoryNode(row) for row in rows}
    roots: list[HistoryNode] = []
    for row in rows:
        parent = steps.get(row.cause_id) if row.cause_id else None
        (parent.follows if parent else roots).append(steps[row.pk])
    for effect in Effect.objects.filter(transition__in=list(steps)).order_by("id")[:MAX_ROWS]:
        assert effect.transition_id is not None
        steps[effect.transition_id].effects.append(effect)
    return roots


def _family(machine: str, object_id: UUID) -> list[Transition]:
    rows = Transition.objects.raw(
        """WITH RECURSIVE own AS (
               SELECT id, cause_id FROM engine_transition WHERE machine = %(machine)s AND object_id = %(object)s
               ORDER BY seq DESC LIMIT %(newest)s),
           up AS (
               SELECT id, cause_id, 1 AS step FROM own
               UNION
               SELECT cause.id, cause.cause_id, step + 1 FROM up
               JOIN engine_transition AS cause ON cause.id = up.cause_id WHERE step < 60),
           down AS (
               SELECT DISTINCT id, 1 AS step FROM up WHERE cause_id IS NULL
               UNION ALL
               SELECT next.id, step + 1 FROM down
               JOIN engine_transition AS next ON next.cause_id = down.id WHERE step < 60)
           SELECT engine_transition.* FROM engine_transition JOIN (SELECT DISTINCT id FROM down LIMIT 2000) AS kept
           USING (id) ORDER BY id LIMIT %(most)s""",
        {"machine": machine, "object": object_id, "newest": MAX_OWN_TRANSITIONS, "most": MAX_ROWS},
    )
    found = list(rows)
    prefetch_related_objects(found, "actor")
    return found
