"""The first claim after a quiet time is mailed at once, those that follow in one mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from core.models import Payment
from engine import NewEffect, amend, effect_handler, schedule_many
from engine.models import Effect, ScheduledRun
from workflows.mail.notifications import mail_reviewers

TIME_BETWEEN_MAILS = timedelta(minutes=15)
REVIEWERS_SCHEDULE = "reviewers told"  # schedule of the moments at which a mail leaves; the last may lie ahead
NAMED_AT_MOST = 500  # claims in a payload; more are counted

Pair = tuple[Payment, Effect]


@effect_handler("payment.tell_reviewers", batch=100)
def tell_reviewers(payments: Sequence[Payment], effects: Sequence[Effect]) -> None:
    """Put each claim into one mail, in the same commit, so that none is told of twice or never."""
    pairs = list(zip(payments, effects, strict=True))
    now, last = _moments()
    if last is None or last + TIME_BETWEEN_MAILS <= now:
        (first, this), *pairs = pairs
        schedule_many([_mail(first, this)])
        _mark(now)
        last = now
    if pairs and not _joined(pairs, now):
        first, this = pairs[0]
        schedule_many([_mail(first, this, payload=_with({}, pairs), at=last + TIME_BETWEEN_MAILS)])
        _mark(last + TIME_BETWEEN_MAILS)


def _moments() -> tuple[datetime, datetime | None]:
    """Now, and when the last of these mails leaves or left. Locked until this commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [REVIEWERS_SCHEDULE])
        # One further ahead was written before the clock was set back.
        cursor.execute(
            "SELECT now(), (SELECT max(slot) FROM engine_scheduledrun"
            " WHERE schedule = %s AND slot <= now() + %s::interval)",
            [REVIEWERS_SCHEDULE, str(TIME_BETWEEN_MAILS)],
        )
        now, last = cursor.fetchone()
    return now, last


def _mark(moment: datetime) -> None:
    # A key of its own: a sequence would leave a gap after a preview.
    key = round(moment.timestamp() * 1_000_000)
    ScheduledRun.objects.bulk_create(
        [ScheduledRun(pk=key, schedule=REVIEWERS_SCHEDULE, slot=moment)], ignore_conflicts=True
    )


def _mail(payment: Payment, this: Effect, **more: Any) -> NewEffect:
    # The key of an effect that follows the claim directly, so that it is purged like the others.
    kind: str = mail_reviewers.kind.name  # type: ignore[attr-defined]
    return NewEffect(mail_reviewers, f"payment:{payment.pk}:{this.seq}:{kind}", about=payment, cause=this, **more)


def _joined(pairs: Sequence[Pair], now: datetime) -> bool:
    kind: str = mail_reviewers.kind.name  # type: ignore[attr-defined]
    # By the index of waiting effects.
    waiting = Effect.objects.filter(state=Effect.State.WAITING, fence=0, run_at__lte=now + 2 * TIME_BETWEEN_MAILS)
    found = waiting.filter(kind=kind, payload__has_key="claims").order_by("run_at").first()
    return found is not None and amend(found.pk, _with(found.payload, pairs))


def _with(payload: dict[str, Any], pairs: Sequence[Pair]) -> dict[str, Any]:
    claims = [*payload.get("claims", []), *(str(payment.pk) for payment, _ in pairs)]
    more = payload.get("more", 0) + max(0, len(claims) - NAMED_AT_MOST)
    return {"claims": claims[:NAMED_AT_MOST], **({"more": more} if more else {})}
