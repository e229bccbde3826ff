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

NEVER = datetime(9999, 12, 30, tzinfo=UTC)  # when `then` is due, until the batch is complete


def schedule_batch(effects: Sequence[NewEffect], *, then: NewEffect) -> Batch | None:
    """`then` is due when all of the effects are done or skipped. None if its key was scheduled before.

    Effects scheduled earlier are waited for, unless finished or of another batch.
    """
    with atomic():
        batch = _begin(then)
        if batch is not None:
            schedule_many(effects)
            _gather(batch, "key = ANY(%s::text[])", [effect.key for effect in effects])
    return batch


def gather(effects: Sequence[UUID], *, then: NewEffect) -> Batch | None:
    """Like schedule_batch() for existing effects, which stay due when they were."""
    with atomic():
        batch = _begin(then)
        if batch is not None:
            _gather(batch, "id = ANY(%s::uuid[])", list(effects))
    return batch


def _begin(then: NewEffect) -> Batch | None:
    if not then.is_due:
        raise ValueError("What follows a batch is due when the batch is complete, and at no other time.")
    (then_id,) = schedule_many([replace(then, at=NEVER)])
    return None if then_id is None else Batch.objects.create(then_id=then_id, completed_at=Now())


def _gather(batch: Batch, which: str, values: Sequence[object]) -> None:
    # By id, the order in which all code locks effects, so that none is finished uncounted.
    gathered = ask(
        f"""WITH mine AS (
                SELECT id FROM engine_effect WHERE {which} AND batch_id IS NULL AND state NOT IN ('done', 'skipped')
                    AND id <> %s::uuid ORDER BY id FOR NO KEY UPDATE)
            UPDATE engine_effect AS effect SET batch_id = %s::uuid FROM mine WHERE effect.id = mine.id""",
        [list(values), batch.then_id, batch.pk],
        prepare=False,
    )
    if gathered.rowcount:
        Batch.objects.filter(pk=batch.pk).update(total=gathered.rowcount, completed_at=None)
    else:
        Effect.objects.filter(pk=batch.then_id).update(state=Effect.State.READY, run_at=Now())
        notify_after_commit([batch.then_id])
    batch.refresh_from_db()
