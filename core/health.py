"""Whether this process is alive, and whether it may be sent requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.connection import Connection

from core import settings

PATIENCE = 2  # seconds with a database that does not answer


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: touches nothing."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: the database answers and is migrated. Without a broker we are only slower."""
    try:
        with new_connection() as fresh:
            executor = MigrationExecutor(fresh)
            missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return _answer(503, database="unreachable")
    if missing:
        return _answer(503, database="not migrated")
    return _answer(200, database="ok", broker="ok" if _broker_answers() else "degraded")


@contextmanager
def new_connection() -> Iterator[BaseDatabaseWrapper]:
    """One of our own: on that of this thread a server that stands still would keep us for as long as it does."""
    fresh = connection.copy()
    options = fresh.settings_dict["OPTIONS"]
    timeout = f"{options.get('options', '')} -c statement_timeout={PATIENCE}s"
    fresh.settings_dict["OPTIONS"] = options | {"connect_timeout": PATIENCE, "options": timeout}
    try:
        yield fresh
    finally:
        fresh.close()


def _answer(status: int, **parts: str) -> JsonResponse:
    return JsonResponse({"status": "ok" if status == 200 else "unavailable", **parts}, status=status)


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
