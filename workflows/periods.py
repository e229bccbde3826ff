"""Calendar arithmetic of subscriptions: dates on the customer's wall, counted from the day they began on."""

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
    """The last day of a period, as people are told it, from the first day after it."""
    return end - timedelta(days=1)


def credits_for(terms: Terms) -> int:
    """What a period on these terms gives: the credits of each month of it."""
    return terms.credits * MONTHS[PlanPrice.Interval(terms.interval)]


def prorated_credits(difference: int, *, on: date, start: date, end: date) -> int:
    """The share of a difference in credits for the days from `on` to `end`: by the fraction of `prorated`, floored."""
    return difference * (end - on).days // (end - start).days


def prorated(difference: Decimal, currency: str, *, on: date, start: date, end: date) -> Decimal:
    """The share of a price difference for the days from `on` to `end`, of the period from `start`."""
    return quantize(difference * (end - on).days / (end - start).days, currency)


def today_in(time_zone: str, now: datetime) -> date:
    """The day on the customer's wall calendar at that moment."""
    return now.astimezone(zone_of(time_zone)).date()


def midnight(day: date, time_zone: str) -> datetime:
    """When that day begins where the customer is; where clocks skip midnight, right after the gap."""
    return datetime.combine(day, time(), zone_of(time_zone))


def database_now() -> datetime:
    """The time by the database's clock, the only one that decides anything."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        now: datetime = cursor.fetchone()[0]
    return now
