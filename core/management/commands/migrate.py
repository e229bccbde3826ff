"""Django's, with a lock timeout, so that requests do not queue behind a migration's lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as Migrate
from django.db import OperationalError, connections

LOCK_NOT_AVAILABLE = "55P03"
PAUSE = 1.0  # seconds


class Command(Migrate):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-timeout",
            default="2s",
            help="How long one statement may wait for a table, and everybody behind it (default: %(default)s).",
        )
        parser.add_argument(
            "--tries", type=int, default=30, help="How often to begin again when it did (default: %(default)s)."
        )

    def handle(self, *args: Any, lock_timeout: str, tries: int, **options: Any) -> None:
        connection = connections[options["database"]]
        for left in reversed(range(tries)):
            try:
                with connection.execute_wrapper(_LockTimeout(lock_timeout)):
                    super().handle(*args, **options)
                break
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE or not left:
                    raise
                self.stdout.write(f"A table was locked for {lock_timeout}; again in {PAUSE:g} s ({left} left).")
                time.sleep(PAUSE)
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")


class _LockTimeout:
    """Sets lock_timeout where a statement needs another than the one before it."""

    def __init__(self, lock_timeout: str) -> None:
        self._wanted = lock_timeout
        # CONCURRENTLY keeps nobody waiting; cut short, it would leave an invalid index.
        self._is_set = ""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        wanted = "0" if "CONCURRENTLY" in str(sql).upper() else self._wanted
        if wanted != self._is_set and not context["connection"].needs_rollback:
            self._is_set = wanted
            with context["connection"].connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [wanted])
        return execute(sql, params, many, context)
