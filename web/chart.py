from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F, Func, IntegerField, Sum, Value

from core.models import Account, CreditEntry
from engine.ids import first_id_at
from workflows.periods import database_now, midnight, today_in

WIDTH, HEIGHT = 300, 64


@dataclass(frozen=True)
class Bar:
    day: date
    amount: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    total: int
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def days(self) -> int:
        return len(self.bars)


def credit_use(account: Account, *, days: int = 30) -> Chart:
    """Days are those of the account's time zone."""
    now = database_now()
    last = today_in(account.time_zone, now)
    first = last - timedelta(days=days - 1)
    begins = [midnight(first + timedelta(days=n), account.time_zone) for n in range(days)]
    rows = (
        CreditEntry.objects.filter(account=account, kind=CreditEntry.Kind.CONSUME)
        .filter(pk__gte=first_id_at(begins[0]))  # ids are ordered by time
        .annotate(day=_CountOf(F("created_at"), Value(begins)))
        .values("day")
        .annotate(used=Sum("amount"))
        .order_by()
    )
    used = {row["day"]: -row["used"] for row in rows}
    return bars([(first + timedelta(days=n), used.get(n + 1, 0)) for n in range(days)])


class _CountOf(Func):
    """How many of these moments have passed. Python decides when a day begins, not PostgreSQL."""

    function = "width_bucket"
    template = "%(function)s(%(expressions)s::timestamptz[])"
    output_field = IntegerField()


def bars(values: list[tuple[date, int]]) -> Chart:
    """The highest reaches the top, an empty day keeps a thin line."""
    most = max((amount for _, amount in values), default=0) or 1
    step = WIDTH / max(len(values), 1)
    drawn = []
    for position, (day, amount) in enumerate(values):
        height = max(amount / most * HEIGHT, 1.5)
        drawn.append(Bar(day, amount, position * step, HEIGHT - height, step * 0.7, height))
    return Chart(drawn, sum(amount for _, amount in values))
