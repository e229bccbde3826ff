"""How reviewing goes: decisions per day and how long they took, the oldest claim, what lies dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Count

from core.models import Effect, Payment
from workflows.periods import database_now

DAYS = 14
LATEST = 5000  # claims that are looked at, the newest: the cost does not grow with the history
DEAD = 10_000


@dataclass(frozen=True)
class Pace:
    """Decisions of one day, or of all days where `day` is None; times in seconds from claim to decision."""

    day: date | None
    approved: int
    rejected: int
    half: float
    most: float  # nine in ten were decided within this


def paces() -> list[Pace]:
    """Of the last DAYS, each day's, oldest first, and at the end that of all together.

    A payment's first decision is its second transition, so that two indexes find it.
    """
    since = database_now() - timedelta(days=DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH latest AS (
                   SELECT id, created_at FROM core_payment WHERE id >= %s::uuid ORDER BY id DESC LIMIT %s),
               decided AS (
                   SELECT name, at, extract(epoch FROM at - created_at) AS took FROM latest
                   JOIN core_transition ON machine = 'payment' AND object_id = latest.id AND seq = 2
                   WHERE name IN ('approve', 'reject') AND at >= date_trunc('day', %s::timestamptz))
               SELECT at::date, count(*) FILTER (WHERE name = 'approve'), count(*) FILTER (WHERE name = 'reject'),
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
                      percentile_cont(0.9) WITHIN GROUP (ORDER BY took)
               FROM decided GROUP BY GROUPING SETS ((at::date), ())""",
            [first_key(since - timedelta(days=DAYS)), LATEST, since],
        )
        rows = [Pace(day, approved, rejected, half or 0, most or 0) for day, approved, rejected, half, most in cursor]
    known = {pace.day: pace for pace in rows}
    days = [since.date() + timedelta(days=n) for n in range(DAYS)]
    return [known.get(day) or Pace(day, 0, 0, 0, 0) for day in [*days, None]]


def oldest_claim() -> Payment | None:
    return Payment.objects.awaiting_review().select_related("account").first()


def dead_per_kind() -> list[tuple[str, int]]:
    """Kinds of effects that lie dead, the most first, among the newest DEAD of them."""
    newest = Effect.objects.filter(state=Effect.State.DEAD).order_by("-id").values("pk")[:DEAD]
    rows = (
        Effect.objects.filter(pk__in=newest).values_list("kind").annotate(count=Count("pk")).order_by("-count", "kind")
    )
    return [(kind, count) for kind, count in rows]


def first_key(moment: datetime) -> str:
    """The smallest UUIDv7 of that moment: keys are in the order of time (RFC 9562 §5.7)."""
    stamp = f"{int(moment.timestamp() * 1000):012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7000-8000-000000000000"
