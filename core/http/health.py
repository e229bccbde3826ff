from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.connection import Connection

from core import settings
from core.db.postgres.base import DatabaseWrapper

PATIENCE = 2  # seconds
CHECK_INTERVAL = 1.0  # seconds between checks


def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Without a broker the service works, more slowly."""
    status, parts = readiness.newest()
    return JsonResponse({"status": "ok" if status == 200 else "unavailable", **parts}, status=status)


class ReadinessProbe:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: tuple[int, dict[str, str]] | None = None
        self._at = 0.0
        self._migrated_by: Any = None  # the migrations by which nothing was missing

    def newest(self) -> tuple[int, dict[str, str]]:
        with self._lock:
            if self._newest is None or time.monotonic() - self._at > CHECK_INTERVAL:
                self._newest = self._look()
                self._at = time.monotonic()
            return self._newest

    def _look(self) -> tuple[int, dict[str, str]]:
        try:
            with new_connection() as fresh:
                is_migrated = self._is_migrated(fresh)
        except DatabaseError:
            return 503, {"database": "unreachable"}
        if not is_migrated:
            return 503, {"database": "not migrated"}
        return 200, {"database": "ok", "broker": "ok" if _broker_answers() else "degraded"}

    def _is_migrated(self, fresh: DatabaseWrapper) -> bool:
        # A migration plan takes 20 ms.
        with fresh.cursor() as cursor:
            cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
            if not cursor.fetchone()[0]:
                return False
            cursor.execute("SELECT count(*), max(id) FROM django_migrations")
            applied = cursor.fetchone()
        if applied != self._migrated_by:
            executor = MigrationExecutor(fresh)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return False
            self._migrated_by = applied
        return True


readiness = ReadinessProbe()


@contextmanager
def new_connection() -> Iterator[DatabaseWrapper]:
    """A hanging server would block this thread's own connection, which has no such timeout."""
    fresh = cast("DatabaseWrapper", connection.copy())
    fresh.own_answer = PATIENCE
    options = fresh.settings_dict["OPTIONS"]
    timeout = f"{options.get('options', '')} -c statement_timeout={PATIENCE}s"
    fresh.settings_dict["OPTIONS"] = options | {"connect_timeout": PATIENCE, "options": timeout}
    try:
        yield fresh
    finally:
        fresh.close()


def _broker_answers() -> bool:
    options = {"socket_timeout": 1, "socket_connect_timeout": 1}
    try:
        with Connection(  # type: ignore[no-untyped-call]
            settings.BROKER_URL, transport_options=options, connect_timeout=1
        ) as broker:
            broker.ensure_connection(max_retries=1, timeout=1)
            return bool(broker.connected)
    except Exception:
        return False
