"""Calendar arithmetic in the customer's time zone."""

from __future__ import annotations

import calendar
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import connection

from core.models import PlanPrice
from core.models.subscription import Terms
from core.money import quantize
from core.time_zones import zone_of

MONTHS = {PlanPrice.Interval.MONTH: 1, PlanPrice.Interval.YEAR: 12}


def period_end(start: date, interval: str, anchor_day: int) -> date:
    """The first day after the period: 31 January -> 28 February -> 31 March, for an anchor day of 31."""
    month = start.month - 1 + MONTHS[PlanPrice.Interval(interval)]
    year, month = start.year + month // 12, month % 12 + 1
    return date(year, month, min(anchor_day, calendar.monthrange(year, month)[1]))


def last_day_of(end: date) -> date:
    """As shown to people; `end` is the first day after it."""
    return end - timedelta(days=1)


def credits_for(terms: Terms) -> int:
    return terms.credits * MONTHS[PlanPrice.Interval(terms.interval)]


def prorated_credits(difference: int, *, on: date, start: date, end: date) -> int:
    """The same fraction as `prorated`, floored."""
    return difference * (end - on).days // (end - start).days


def prorated(difference: Decimal, currency: str, *, on: date, start: date, end: date) -> Decimal:
    """From `on` to `end`, of the period that began at `start`."""
    return quantize(difference * (end - on).days / (end - start).days, currency)


def today_in(time_zone: str, now: datetime) -> date:
    return now.astimezone(zone_of(time_zone)).date()


def midnight(day: date, time_zone: str) -> datetime:
    """Where clocks skip midnight, right after the gap."""
    return datetime.combine(day, time(), zone_of(time_zone))


def database_now() -> datetime:
    # The database's clock is the only one that decides.
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    return now
