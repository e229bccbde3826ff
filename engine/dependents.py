from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Window

from engine.models import Batch, Effect

SHOWN_DEPENDENTS = 25


@dataclass(frozen=True)
class Behind:
    """What waits for an effect: `released` may run once it is finished, `later` ordered effects come after those."""

    released: list[Effect]
    later: int = 0
    batch: Batch | None = None

    @property
    def missing(self) -> int:
        return self.batch.total - self.batch.finished_count if self.batch else 0


def behind(effect: Effect) -> Behind:
    if effect.state in Effect.FINISHED:
        return Behind([])
    released, later = _ordered(effect) if effect.ordered else ([], 0)
    batch = Batch.objects.select_related("then").filter(pk=effect.batch_id).first() if effect.batch_id else None
    if batch and batch.total - batch.finished_count == 1 and not _must_wait(batch.then, effect):
        released.append(batch.then)
    return Behind(released, later, batch)


def _line(effect: Effect) -> Q:
    return Q(ordered=True, machine=effect.machine, object_id=effect.object_id) & ~Q(state__in=Effect.FINISHED)


def _ordered(effect: Effect) -> tuple[list[Effect], int]:
    """(what it releases, how many come later)"""
    others = Effect.objects.filter(_line(effect)).exclude(pk=effect.pk)
    counted = others.annotate(after=Window(Count("pk", filter=Q(seq__gt=effect.seq))))
    first: list[Any] = list(counted.order_by("seq", "id")[:SHOWN_DEPENDENTS])
    released = [
        row for row in first if row.seq == first[0].seq and row.seq > effect.seq and row.state == Effect.State.READY
    ]
    return released, (first[0].after if first else 0) - len(released)


def _must_wait(then: Effect, effect: Effect) -> bool:
    return then.ordered and Effect.objects.filter(_line(then), seq__lt=then.seq).exclude(pk=effect.pk).exists()
