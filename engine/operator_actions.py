from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.db.transaction import atomic

from engine import conf
from engine.actors import User
from engine.models import Batch, Effect, EffectEvent
from engine.payload import InvalidPayload, validate_payload
from engine.persist import notify_after_commit
from engine.problems import PermissionDenied, ValidationError, WrongState
from engine.registry import kinds

# Not timers that were never tried, and not a call that is still under way.
RETRIABLE = Q(state__in=Effect.NEEDS_ATTENTION, lease_until=None) | Q(state=Effect.State.WAITING, fence__gt=0)


def allowed_actions(effect: Effect, user: User) -> list[str]:
    return ["retry", "skip"] if is_retriable(effect) and user.has_perm(conf.OPERATE_PERMISSION) else []


def is_retriable(effect: Effect) -> bool:
    needs_attention = effect.state in Effect.NEEDS_ATTENTION and effect.lease_until is None
    return needs_attention or (effect.state == Effect.State.WAITING and effect.fence > 0)


def retry(effect: Effect, *, by: User, reason: str = "", payload: dict[str, Any] | None = None) -> Effect:
    """The key stays. Raises PermissionDenied, WrongState, or ValidationError for a payload that cannot be kept."""
    if payload is not None:
        try:
            validate_payload(payload)
        except InvalidPayload as error:
            raise ValidationError({"payload": [str(error)]}) from error
    with atomic():
        row = _held(effect, "retry", by)
        before = row.payload
        if payload is not None:
            row.payload = payload
        _requeue([row])
        edited = payload is not None and payload != before
        what = EffectEvent.What.EDITED if edited else EffectEvent.What.RETRIED
        EffectEvent.objects.create(
            effect=row, what=what, actor_id=by.pk, fence=row.fence, detail=reason, payload=before if edited else None
        )
        notify_after_commit([row.pk])
        row.refresh_from_db(fields=["run_at"])
    return row


def skip(effect: Effect, *, by: User, reason: str) -> Effect:
    """Raises PermissionDenied, WrongState."""
    with atomic():
        row = _held(effect, "skip", by)
        _skip([row], by, reason)
    return row


def retry_many(effects: QuerySet[Effect], *, by: User, reason: str = "", dry_run: bool = False) -> int:
    """Returns how many, also for a dry run. Timers never tried stay as they are."""
    check_operator(by)
    wanted = effects.filter(RETRIABLE)
    if dry_run:
        return wanted.count()
    with atomic():
        rows = list(wanted.select_for_update(skip_locked=True))
        _requeue(rows)
        _note(rows, EffectEvent.What.RETRIED, by, reason)
        notify_after_commit([row.pk for row in rows])
    return len(rows)


def skip_outward(*, due_before: datetime, by: User, reason: str, dry_run: bool = False) -> list[tuple[str, int]]:
    """For a restored database: what was due before that moment was sent before the loss.

    Returns (kind, count) pairs.
    """
    check_operator(by)
    external = [kind.name for kind in kinds.values() if kind.external]
    states = [Effect.State.READY, Effect.State.WAITING]
    wanted = Effect.objects.filter(kind__in=external, state__in=states, run_at__lt=due_before)
    with atomic():
        rows = list(wanted.order_by("id").select_for_update(no_key=True))
        if not dry_run:
            _skip(rows, by, reason)
    return sorted(Counter(row.kind for row in rows).items())


def _requeue(rows: list[Effect]) -> None:
    for row in rows:
        row.state, row.attempts, row.crashes, row.solo, row.fence = Effect.State.READY, 0, 0, False, row.fence + 1
        row.failing_since = None
        row.run_at = Now()  # its dead time is no delay of the workers
    names = ["state", "attempts", "failing_since", "crashes", "solo", "fence", "run_at", "payload"]
    Effect.objects.bulk_update(rows, names, batch_size=500)


def _skip(rows: list[Effect], by: User, reason: str) -> None:
    batches = [row.batch_id for row in rows if row.batch_id]
    # In one order, so that nobody deadlocks.
    list(Batch.objects.filter(pk__in=batches).order_by("pk").select_for_update(no_key=True))
    for row in rows:
        row.state, row.fence = Effect.State.SKIPPED, row.fence + 1
    Effect.objects.bulk_update(rows, ["state", "fence"], batch_size=500)
    _note(rows, EffectEvent.What.SKIPPED, by, reason)


def _note(rows: list[Effect], what: EffectEvent.What, by: User, reason: str) -> None:
    EffectEvent.objects.bulk_create(
        EffectEvent(effect=row, what=what, actor_id=by.pk, fence=row.fence, detail=reason) for row in rows
    )


def _held(effect: Effect, verb: str, by: User) -> Effect:
    check_operator(by)
    row = Effect.objects.select_for_update().get(pk=effect.pk)
    if not is_retriable(row):
        available = [] if row.state in Effect.FINISHED else ["wait"]
        raise WrongState(
            f"Cannot {verb} this effect: it is {row.state}.", object_status=row.state, available=available, unmet=[]
        )
    return row


def check_operator(by: User) -> None:
    if not by.has_perm(conf.OPERATE_PERMISSION):
        raise PermissionDenied("You may not operate effects.")
