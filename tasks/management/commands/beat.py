from __future__ import annotations

from typing import Any

from core.security.database_roles import warn_if_privileged
from engine.worker.management.commands import beat


class Command(beat.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        warn_if_privileged()
        super().handle(*args, **options)
