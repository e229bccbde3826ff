"""An effect that does nothing, known to workers started from here: `python -m tests.faults.backlog worker`."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")

if __name__ == "__main__":
    django.setup()

from engine import NewEffect, effect_handler, schedule_many
from engine.models import Effect

AT_ONCE = 5000


@effect_handler("faults.nothing")
def do_nothing(_: None, effect: Effect) -> None:
    """One commit."""


@effect_handler("faults.timer")
def be_on_time(_: None, effect: Effect) -> None:
    """One commit."""


def flood(count: int, timers: int) -> None:
    """So many effects of one tenant, and of another tenant a timer for each second."""
    for first in range(0, count, AT_ONCE):
        schedule_many([NewEffect(do_nothing, f"nothing:{first + number}") for number in range(AT_ONCE)])
    schedule_many(
        [NewEffect(be_on_time, f"timer:{second}", after=timedelta(seconds=second)) for second in range(1, timers + 1)]
    )
    Effect.objects.filter(kind="faults.timer").update(account_id=uuid4())


if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
