from __future__ import annotations

from core.models import User
from web.staff.access import SETTERS, may_see_any
from workflows.reporting.first_run import first_run


def steps_left(user: User) -> int:
    """Of the first-run checklist; 0 for who may change no settings, without a query."""
    return sum(not is_done for is_done in first_run(user).values()) if may_see_any(user, SETTERS) else 0
