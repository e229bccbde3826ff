"""Claims respect a pause after a second at most; effects already claimed are still executed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Now
from django.db.transaction import atomic, on_commit
from django.utils import timezone

from engine import blocked
from engine.actors import User
from engine.models import LET_GO_MOST, Effect, EffectPause, Throttle
from engine.operator_actions import check_operator
from engine.payload import InvalidPayload, validate_payload
from engine.persist import notify_after_commit
from engine.problems import ValidationError, WrongState
from engine.registry import kinds, rates, time_between
from engine.signals import pauses_or_rates_changed

LONGEST_REASON = 2000  # characters
COUNT_LIMIT = 10_000  # of the effects that a pause holds; more show as one more


def pauses() -> QuerySet[EffectPause]:
    """The newest first."""
    return EffectPause.objects.filter(Q(until=None) | Q(until__gt=Now()), ended_at=None).order_by("-id")


def pause(scope: str, name: str = "", *, by: User, reason: str, until: datetime | None = None) -> EffectPause:
    """Raises PermissionDenied, ValidationError, WrongState if they are paused already."""
    check_operator(by)
    made = EffectPause(scope=scope, name=_name(scope, name), by_id=by.pk, reason=reason.strip(), until=until)
    _check(made)
    same = EffectPause.objects.filter(scope=scope, name=made.name, ended_at=None)
    with atomic():
        same.filter(until__lte=Now()).update(ended_at=Now())
        EffectPause.objects.bulk_create([made], ignore_conflicts=True)
        if not same.filter(pk=made.pk).exists():
            raise WrongState("It is paused already.", object_status="paused", available=["resume"], unmet=[])
        _tell("effects_paused", by, made)
    made.refresh_from_db()
    return made


def resume(paused: EffectPause, *, by: User) -> int:
    """How many effects waited. Raises PermissionDenied, WrongState if it is over."""
    with atomic():
        row = _held(paused, by)
        waiting = waiting_for(row)
        EffectPause.objects.filter(pk=row.pk).update(ended_at=Now(), ended_by=by, let_go=[])
        notify_after_commit(
            list(_matching(row).values_list("pk", flat=True)[:1])
        )  # a worker notified of one looks for all
        _tell("effects_resumed", by, row)
    return waiting


def let_go(paused: EffectPause, count: int, *, by: User) -> int:
    """The oldest first, whatever else pauses them. Returns how many."""
    with atomic():
        row = _held(paused, by)
        gone = Effect.objects.filter(pk__in=row.let_go, state__in=Effect.FINISHED).values_list("pk", flat=True)
        left = [key for key in row.let_go if key not in set(gone)]
        if not 0 < count <= LET_GO_MOST - len(left):
            raise ValidationError({"count": [f"From 1 to {LET_GO_MOST - len(left)}."]})
        chosen = list(_matching(row).exclude(pk__in=left).order_by("pk").values_list("pk", flat=True)[:count])
        paused.let_go = left + chosen
        EffectPause.objects.filter(pk=row.pk).update(let_go=paused.let_go)
        notify_after_commit(chosen)
        _tell("effects_let_go", by, row, count=len(chosen))
    return len(chosen)


def waiting_for(paused: EffectPause) -> int:
    """COUNT_LIMIT + 1 if there are more."""
    return _matching(paused).exclude(pk__in=paused.let_go)[: COUNT_LIMIT + 1].count()


def set_rate(throttle: str, rate: str, *, by: User) -> None:
    """From the next call on; empty: the declared rate."""
    check_operator(by)
    if throttle not in rates:
        raise ValidationError({"throttle": [f"There are: {', '.join(sorted(rates)) or 'none'}."]})
    try:
        every = time_between(rate) if rate else None
    except ValueError as error:
        raise ValidationError({"rate": [str(error)]}) from error
    with atomic():
        Throttle.objects.update_or_create(name=throttle, defaults={"rate": rate, "every": every})
        _tell_all(Throttle, "rate_set", by, throttle=throttle, rate=rate)


def _name(scope: str, name: str) -> str:
    if scope != EffectPause.Scope.TENANT:
        return name.strip()
    try:
        return str(UUID(name.strip()))
    except ValueError:
        raise ValidationError({"name": ["It is no key of a tenant."]}) from None


def _check(made: EffectPause) -> None:
    known = {"kind": sorted(kinds), "lane": sorted({kind.lane for kind in kinds.values()})}.get(made.scope)
    _check_text("name", made.name, 60)
    _check_text("reason", made.reason, LONGEST_REASON)
    if made.scope not in EffectPause.Scope.values:
        raise ValidationError({"scope": [f"There are: {', '.join(EffectPause.Scope.values)}."]})
    if made.scope not in EffectPause.NAMED and made.name:
        raise ValidationError({"name": [f"For {made.scope} there is no name."]})
    if known is not None and made.name not in known:
        raise ValidationError({"name": [f"There are: {', '.join(known)}."]})
    if not made.reason:
        raise ValidationError({"reason": ["Say why."]})
    if made.until is not None and made.until <= timezone.now():
        raise ValidationError({"until": ["It is over already."]})


def _check_text(column: str, text: str, longest: int) -> None:
    try:
        validate_payload(text)
    except InvalidPayload as error:
        raise ValidationError({column: [str(error)]}) from error
    if len(text) > longest:
        raise ValidationError({column: [f"It has {len(text)} characters; {longest} is the most."]})


def _held(paused: EffectPause, by: User) -> EffectPause:
    check_operator(by)
    row = pauses().select_for_update(of=("self",)).filter(pk=paused.pk).first()
    if row is None:
        raise WrongState("It is over.", object_status="over", available=[], unmet=[])
    return row


def _matching(paused: EffectPause) -> QuerySet[Effect]:
    ready = Effect.objects.filter(state=Effect.State.READY)
    match paused.scope:
        case EffectPause.Scope.KIND:
            return ready.filter(kind=paused.name)
        case EffectPause.Scope.LANE:
            return ready.filter(kind__in=[kind.name for kind in kinds.values() if kind.lane == paused.name])
        case EffectPause.Scope.TENANT:
            return ready.filter(account_id=paused.name)
        case EffectPause.Scope.OUTWARD:
            return ready.filter(kind__in=[kind.name for kind in kinds.values() if kind.external])
    return ready


def _tell(what: str, by: User, row: EffectPause, **facts: Any) -> None:
    _tell_all(EffectPause, what, by, pause=str(row.pk), scope=row.scope, of=row.name, **facts)


def _tell_all(sender: type[Model], what: str, by: User, **facts: Any) -> None:
    """This process respects the change at once, others within a second."""
    blocked.invalidate()
    on_commit(blocked.invalidate)
    pauses_or_rates_changed.send(sender=sender, what=what, by=by, facts=facts)
