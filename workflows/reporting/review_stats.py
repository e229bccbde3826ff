from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta

from django.db import connection
from django.db.models import Count
from django.db.models.functions import TruncDate

from core.models import Payment
from engine.ids import first_id_at
from engine.models import Effect, EffectEvent
from workflows.periods import database_now

DAYS = 14
MAX_CLAIMS = 5000  # the newest, so that the cost does not grow with the history
MAX_DEAD = 10_000


@dataclass(frozen=True)
class DailyStats:
    """day: None: all days. Seconds: from claim to decision."""

    day: date | None
    approved: int
    rejected: int
    median_seconds: float
    p90_seconds: float


def daily_stats() -> list[DailyStats]:
    """For each of the last DAYS, oldest first, then for all of them."""
    since = database_now() - timedelta(days=DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH latest AS (
                   SELECT id, created_at FROM core_payment WHERE id >= %s::uuid ORDER BY id DESC LIMIT %s),
               decided AS (
                   SELECT name, at, extract(epoch FROM at - created_at) AS took FROM latest
                   JOIN engine_transition ON machine = 'payment' AND object_id = latest.id AND seq = 2
                   WHERE name IN ('approve', 'reject') AND at >= date_trunc('day', %s::timestamptz))
               SELECT at::date, count(*) FILTER (WHERE name = 'approve'), count(*) FILTER (WHERE name = 'reject'),
                      percentile_cont(0.5) WITHIN GROUP (ORDER BY took),
                      percentile_cont(0.9) WITHIN GROUP (ORDER BY took)
               FROM decided GROUP BY GROUPING SETS ((at::date), ())""",
            [first_id_at(since - timedelta(days=DAYS)), MAX_CLAIMS, since],
        )
        rows = [
            DailyStats(day, approved, rejected, median or 0, p90 or 0)
            for day, approved, rejected, median, p90 in cursor
        ]
    known = {stats.day: stats for stats in rows}
    days = [since.date() + timedelta(days=n) for n in range(DAYS)]
    return [known.get(day) or DailyStats(day, 0, 0, 0, 0) for day in [*days, None]]


def oldest_ages() -> list[float]:
    """In seconds, at the end of each of the last DAYS (today: now); 0 if none waited."""
    now = database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH latest AS (
                   SELECT id, created_at FROM core_payment WHERE id >= %(first)s::uuid ORDER BY id DESC LIMIT %(most)s),
               waited AS (
                   SELECT latest.created_at, coalesce(at, 'infinity') AS until FROM latest
                   LEFT JOIN engine_transition ON machine = 'payment' AND object_id = latest.id AND seq = 2
                   UNION ALL
                   (SELECT created_at, 'infinity' FROM core_payment WHERE status = 'pending_approval'
                    ORDER BY id LIMIT %(most)s))
               SELECT extract(epoch FROM least(evening, %(now)s) - min(created_at)
                   FILTER (WHERE created_at < evening AND until >= least(evening, %(now)s)))
               FROM generate_series(date_trunc('day', %(now)s) - %(days)s * interval '1 day' + interval '1 day',
                                    date_trunc('day', %(now)s) + interval '1 day', interval '1 day') AS evening, waited
               GROUP BY evening ORDER BY evening""",
            {"first": first_id_at(now - timedelta(days=2 * DAYS)), "most": MAX_CLAIMS, "now": now, "days": DAYS - 1},
        )
        ages = [float(age or 0) for (age,) in cursor]
    return ages or [0.0] * DAYS


def dead_effects_per_day() -> list[int]:
    """On each of the last DAYS, also those done since."""
    first = (database_now() - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    newest = EffectEvent.objects.filter(pk__gte=first_id_at(first)).order_by("-pk").values("pk")[:MAX_DEAD]
    rows = (
        EffectEvent.objects.filter(pk__in=newest, what=EffectEvent.What.DIED)
        .annotate(day=TruncDate("at", tzinfo=UTC))
        .values_list("day")
        .annotate(count=Count("pk"))
        .order_by()
    )
    known = dict(rows)
    return [known.get(first.date() + timedelta(days=n), 0) for n in range(DAYS)]


def oldest_claim() -> Payment | None:
    return Payment.objects.awaiting_review().select_related("account").first()


def dead_per_kind() -> list[tuple[str, int]]:
    """(kind, number), the most first, among the newest MAX_DEAD."""
    newest = Effect.objects.filter(state=Effect.State.DEAD).order_by("-id").values("pk")[:MAX_DEAD]
    rows = (
        Effect.objects.filter(pk__in=newest).values_list("kind").annotate(count=Count("pk")).order_by("-count", "kind")
    )
    return [(kind, count) for kind, count in rows]
