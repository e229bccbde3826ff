"""Statements that run thousands of times a second: planned once for each session, and several sent in one go.

Django sends finished text, which the server plans anew each time, and waits for the answer to each. That is right for
nearly everything. It is not where a settlement of one spends its time in switching between two processes: here its
statements are prepared, and those that need no answer of one another travel together (`docs/performance.md`).

Behind a pooler the next transaction may be in another session, which knows no plan of ours: there they are neither
prepared nor sent together, unless POOLER_KEEPS_PREPARED_STATEMENTS says that the pooler sees to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from django.db import Error, NotSupportedError, connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from psycopg.generators import send
from psycopg.pq import PipelineStatus
from psycopg.types.datetime import TimestamptzLoader

from engine import conf

AFTER = 3  # runs; who asks only once is not worth a plan
PLAN_IS_STALE = "0A000"  # feature not supported: a migration changed the type of a column that the statement returns


def ask(sql: str, params: Sequence[Any] | Mapping[str, Any] = (), *, prepare: bool = True) -> CursorWrapper:
    """Execute, with the errors and the log of queries of `connection.cursor()`; the cursor has the answer.

    The server binds the parameters, so each says its type: `%s::text`. Times are read by psycopg's own loader, in UTC
    as the session is: Django's goes through Python for each, 6 to 10 microseconds of them.
    prepare: False for what must be planned rightly at once when a table that was nearly empty is flooded.
    """
    raw = _raw()
    with connection.wrap_database_errors:
        raw.prepare_threshold = AFTER if prepare and _keeps_plans(raw) else None
        bare: Any = ServerBindingCursor(raw)  # type: ignore[call-arg]
        bare.adapters.register_loader("timestamptz", TimestamptzLoader)
    cursor = connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare)
    try:
        cursor.execute(sql, params)
    except NotSupportedError as error:
        if getattr(error.__cause__, "sqlstate", None) != PLAN_IS_STALE or connection.in_atomic_block:
            raise
        raw.execute("DEALLOCATE ALL", prepare=False)  # after which psycopg prepares them again as well
        cursor.execute(sql, params)
    return cursor


@contextmanager
def pipeline() -> Iterator[None]:
    """What is executed inside is sent without waiting for each answer: one trip to the server, not one for each.

    The answers are there after the block; who reads one inside waits for it and for all before it. An error is raised
    by the next statement or by the end of the block, so nothing in it may catch one. Inside another such block, and
    behind a pooler that keeps no plans, it changes nothing.
    """
    raw = _raw()
    if raw.pgconn.pipeline_status != PipelineStatus.OFF or not _keeps_plans(raw):
        yield
        return
    with connection.wrap_database_errors, raw.pipeline() as pipeline:
        try:
            yield
            _send_all(raw)
            pipeline.sync()
        except (Error, psycopg.Error):
            with suppress(psycopg.Error):
                _send_all(raw)
                pipeline.sync()  # what came after the error was not executed, and says so
            raise
        except BaseException:
            raw.close()  # interrupted: to wait for the answers now would be to hang with whatever hangs
            raise


def _send_all(raw: Any) -> None:
    """psycopg's sync waits for answers, even to what is not sent yet; and the server waits for the rest of that."""
    if raw.pgconn.flush():
        raw.wait(send(raw.pgconn))


def session_pid() -> int:
    """The pid that we were told when we connected. A pooler tells a number of its own, which no session has."""
    pid: int = _raw().pgconn.backend_pid
    return pid


def _raw() -> Any:
    """psycopg's connection, one that lives."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection.connection


def _keeps_plans(raw: Any) -> bool:
    return conf.POOLER_KEEPS_PREPARED_STATEMENTS or _has_own_session(raw)


def _has_own_session(raw: Any) -> bool:
    """Whether the server sees this connection as it was told to us; asked once for each."""
    if not hasattr(raw, "has_own_session"):
        with raw.cursor() as cursor:
            raw.has_own_session = cursor.execute("SELECT pg_backend_pid()").fetchone()[0] == raw.pgconn.backend_pid
    return bool(raw.has_own_session)
