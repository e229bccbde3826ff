"""On which day what follows: the timers and the preview of the settings count by the same functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from core.models import Policy

DAY = timedelta(days=1)


def renewal_issued_on(period_end: date, policy: Policy) -> date:
    return period_end - policy.renewal_lead_days * DAY


def renewal_due_on(period_start: date, issued_on: date) -> date:
    return max(period_start, issued_on)


def first_due_on(issued_on: date, policy: Policy) -> date:
    return issued_on + policy.days_to_pay * DAY


def reminded_on(issued_on: date, due_on: date, steps: Sequence[int]) -> list[tuple[int, date]]:
    """(step, day); none on the day of issue or before."""
    days = [(step, due_on + step * DAY) for step in steps]
    return [(step, day) for step, day in days if issued_on < day]


def waited_for_until(due_on: date, today: date, bank_lag_days: int) -> date:
    """From the due date, or from today if the invoice is open again after that."""
    return max(due_on, today) + bank_lag_days * DAY


def past_due_on(waited_until: date) -> date:
    return waited_until + DAY


def lapses_on(waited_until: date, policy: Policy) -> date:
    """Of a sign-up, and of what never began."""
    return waited_until + policy.signup_expiry_days * DAY


def suspended_on(past_due: date, policy: Policy) -> date:
    return past_due + policy.grace_days * DAY


def ended_on(suspended: date, policy: Policy) -> date:
    return suspended + policy.suspension_days * DAY


def trial_over_on(last_day: date) -> date:
    return last_day + DAY


def trial_warned_on(began_on: date, last_day: date, policy: Policy) -> date | None:
    """None for a shorter trial: the first mail has just said when it ends."""
    warning = last_day - policy.trial_warning_days * DAY
    return warning if began_on < warning < last_day else None
