from __future__ import annotations

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.admin.utils import construct_change_message
from django.db.models import Model

from web.staff.access import StaffRequest


def log_change(request: StaffRequest, row: Model, said: Any, *, is_new: bool = False) -> None:
    """In the admin's log, so that a row has one history, wherever it is changed. said: a form, or a sentence."""
    message = said if isinstance(said, str) else construct_change_message(said, None, is_new)  # type: ignore[arg-type]
    flag = ADDITION if is_new else CHANGE
    LogEntry.objects.log_actions(request.user.pk, [row], flag, message, single_object=True)
