"""The day on which money was sent or arrived, as somebody says: one rule for claims, receipts and decisions."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from core.problems import ValidationError

FURTHEST_AHEAD = timedelta(hours=14)  # Kiribati: where a day begins first
OLDEST_YEARS = 10  # the longest that books are usually kept: nobody finds an older payment


def day_error(day: date | None, now: datetime) -> str:
    """What is wrong with that day, seen from `now`; empty for one that money may have moved on, and for none.

    Tomorrow is taken, by the calendar of those whose day begins first: banks date ahead.
    """
    if day is None:
        return ""
    today = (now + FURTHEST_AHEAD).date()
    if day > today + timedelta(days=1):
        return _("That day has not come yet.")
    if day.year < today.year - OLDEST_YEARS:
        return _("That day is too long ago. Check the year.")
    return ""


def check_day(day: date | None, *, field: str) -> None:
    """Raise ValidationError naming `field` for a day on which no payment of ours can have moved.

    By this machine's clock: a few seconds do not matter where a day is given in addition.
    """
    if error := day_error(day, timezone.now()):
        raise ValidationError({field: [error]})
