from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from core.problems import ValidationError

FURTHEST_AHEAD = timedelta(hours=14)  # Kiribati: where a day begins first
OLDEST_YEARS = 10  # nobody keeps books for longer


def day_error(day: date | None, now: datetime) -> str:
    """Empty for none, and for a day on which money may have moved."""
    if day is None:
        return ""
    today = (now + FURTHEST_AHEAD).date()
    if day > today + timedelta(days=1):
        # Banks date ahead: tomorrow is taken.
        return _("That day has not come yet.")
    if day.year < today.year - OLDEST_YEARS:
        return _("That day is too long ago. Check the year.")
    return ""


def check_day(day: date | None, *, field: str) -> None:
    if error := day_error(day, timezone.now()):
        raise ValidationError({field: [error]})
