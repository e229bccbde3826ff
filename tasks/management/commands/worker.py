"""`manage.py worker`, the engine's, with the patience for PostgreSQL that a worker has here."""

from __future__ import annotations

from typing import Any

from core import timeouts
from core.roles import warn_of_rank
from engine.worker.management.commands import worker


class Command(worker.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        warn_of_rank()
        timeouts.use(timeouts.WORKER)
        super().handle(*args, **options)
