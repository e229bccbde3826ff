from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from django.db.models.functions import Now
from django.db.transaction import atomic

from engine.models import Batch, Effect
from engine.persist import notify_after_commit
from engine.pipeline import ask
from engine.scheduling import NewEffect, schedule_many
from engine.sql import statement

NEVER = datetime(9999, 12, 30, tzinfo=UTC)  # when `then` is due, until the batch is complete
_GATHER_BY_KEY, _GATHER_BY_ID = statement("gather_by_key"), statement("gather_by_id")


def schedule_batch(effects: Sequence[NewEffect], *, then: NewEffect) -> Batch | None:
    """`then` is due when all of the effects are done or skipped. None if its key was scheduled before.

    Effects scheduled earlier are waited for, unless finished or of another batch.
    """
    with atomic():
        batch = _begin(then)
        if batch is not None:
            schedule_many(effects)
            _gather(_GATHER_BY_KEY, batch, [effect.key for effect in effects])
    return batch


def gather(effects: Sequence[UUID], *, then: NewEffect) -> Batch | None:
    """Like schedule_batch() for existing effects, which stay due when they were."""
    with atomic():
        batch = _begin(then)
        if batch is not None:
            _gather(_GATHER_BY_ID, batch, list(effects))
    return batch


def _begin(then: NewEffect) -> Batch | None:
    if not then.is_due:
        raise ValueError("What follows a batch is due when the batch is complete, and at no other time.")
    (then_id,) = schedule_many([replace(then, at=NEVER)])
    return None if then_id is None else Batch.objects.create(then_id=then_id, completed_at=Now())


def _gather(sql: str, batch: Batch, values: Sequence[object]) -> None:
    gathered = ask(sql, [list(values), batch.then_id, batch.pk], prepare=False)
    if gathered.rowcount:
        Batch.objects.filter(pk=batch.pk).update(total=gathered.rowcount, completed_at=None)
    else:
        Effect.objects.filter(pk=batch.then_id).update(state=Effect.State.READY, run_at=Now())
        notify_after_commit([batch.then_id])
    batch.refresh_from_db()
