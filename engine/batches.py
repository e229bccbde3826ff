"""Effects that belong together, and one that follows when all of them are over: fan out, fan in.

The database counts, by the trigger CountsBatch, in the commit that ends a member. Nothing here runs when one does.
"""

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

NEVER = datetime(9999, 12, 30, tzinfo=UTC)  # when `then` is due, as long as nobody knows


def schedule_batch(effects: Sequence[NewEffect], *, then: NewEffect) -> Batch | None:
    """Schedule a set of effects, and one that is due when all of them are done or skipped; None: it was before.

    The key of `then` is the key of the batch, so it happens once for all time, with all its effects or none. What was
    owed already is waited for as well, unless it is over or of another batch. Of none, `then` is due at once.
    """
    with atomic():
        batch = _begin(then)
        if batch is not None:
            schedule_many(effects)
            _gather(batch, "key = ANY(%s::text[])", [effect.key for effect in effects])
    return batch


def gather(effects: Sequence[UUID], *, then: NewEffect) -> Batch | None:
    """Make a batch of effects that are there, by their ids; as owe_batch() otherwise. Each is done when it is due."""
    with atomic():
        batch = _begin(then)
        if batch is not None:
            _gather(batch, "id = ANY(%s::uuid[])", list(effects))
    return batch


def _begin(then: NewEffect) -> Batch | None:
    if not then.is_due:
        raise ValueError("What follows a batch is due when the batch is complete, and at no other time.")
    (owed,) = schedule_many([replace(then, at=NEVER)])
    return None if owed is None else Batch.objects.create(then_id=owed, completed_at=Now())


def _gather(batch: Batch, which: str, values: Sequence[object]) -> None:
    """Who ends one of these meanwhile waits for us, or was before us; locked in the order of all who lock effects."""
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
