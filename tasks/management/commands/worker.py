from __future__ import annotations

from typing import Any

from core.db import timeouts
from core.security.database_roles import warn_if_privileged
from engine.worker.management.commands import worker


class Command(worker.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        warn_if_privileged()
        timeouts.use(timeouts.WORKER)
        super().handle(*args, **options)
