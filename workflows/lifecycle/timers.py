"""Effects that wait for a day of the customer's calendar, check the state then, and act or wait on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from enum import Enum
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from core.models import Account, Invoice, Subscription
from core.models.subscription import ACTIVE_STATUSES
from core.time_zones import zone_of
from engine import NewEffect, effect_handler, reschedule, schedule_many
from engine.models import Effect
from engine.stateful import Stateful
from workflows.lifecycle.claim_pauses import HELD
from workflows.periods import database_now, midnight, today_in

S = TypeVar("S", bound=Stateful)

timer_kinds: set[str] = set()  # of effects that wait for a customer's day


class Outcome(Enum):
    """Returned by every timer, so that none ends by oversight."""

    ACTED = "acted"
    OVER = "over"  # no longer needed; a transition back into the state schedules it again
    TOMORROW = "tomorrow"
    HELD_UP = "held up"  # by a claim: like TOMORROW, and these days are counted


def timer(name: str) -> Callable[[Callable[[S, Effect], Outcome]], Callable[[S, Effect], Outcome]]:
    """The effect is scheduled again when the handler returns TOMORROW or HELD_UP."""

    def register(act: Callable[[S, Effect], Outcome]) -> Callable[[S, Effect], Outcome]:
        @wraps(act)
        def look(about: S, this: Effect) -> Outcome:
            today = today_in(account_of(about).time_zone, database_now())
            day = day_of(this) or today
            if day > today:  # the account moved to a zone further west just now
                outcome, following = Outcome.TOMORROW, day
            else:
                outcome, following = act(about, this), today + timedelta(days=1)
            if outcome in (Outcome.TOMORROW, Outcome.HELD_UP):
                held = this.payload.get(HELD, 0) + (outcome is Outcome.HELD_UP)
                payload = this.payload | ({HELD: held} if held else {})
                schedule_many([on_day(look, about, day=following, setter=this, payload=payload)])
            return outcome

        timer_kinds.add(name)
        return effect_handler(name)(look)

    return register


def on_day(
    handler: Callable[..., Any], about: Stateful, *, day: date, setter: Effect, payload: dict[str, Any] | None = None
) -> NewEffect:
    kind: str = handler.kind.name  # type: ignore[attr-defined]
    return NewEffect(
        handler,
        # A second run of the setter adds no second timer.
        f"{kind}:{about.pk}:{setter.pk}",
        about=about,
        cause=setter,
        payload={**(payload or {}), "on": day.isoformat()},
        at=midnight(day, account_of(about).time_zone),
    )


def day_of(this: Effect) -> date | None:
    """None: scheduled before the payload had it."""
    kept = this.payload.get("on")
    return date.fromisoformat(kept) if kept else None


def account_of(about: Stateful) -> Account:
    account: Account = about if isinstance(about, Account) else about.account  # type: ignore[attr-defined]
    return account


def move_timers(account: Account, *, before: str) -> None:
    """To the same day in the new time zone. before: the old one. The caller has locked the account."""
    subscriptions = Subscription.objects.filter(
        account=account, status__in=[*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT]
    )
    objects: set[UUID] = {account.pk}
    for rows in (
        subscriptions,
        Invoice.objects.filter(account=account, status__in=[*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE]),
        Invoice.objects.filter(subscription__in=subscriptions, status=Invoice.Status.VOID),  # a sign-up lapses by it
        account.payments.in_review(),
    ):
        objects.update(rows.values_list("pk", flat=True))
    # Found by their transitions: waiting effects have no index by account.
    waiting = Effect.objects.filter(
        transition__machine__in=["account", "subscription", "invoice", "payment"],
        transition__object_id__in=objects,
        state=Effect.State.WAITING,
        fence=0,
        kind__in=timer_kinds,
    )
    reschedule(
        {
            row.pk: midnight(day_of(row) or row.run_at.astimezone(zone_of(before)).date(), account.time_zone)
            for row in waiting
        }
    )
