"""Prepared and pipelined SQL, for what runs thousands of times a second (docs/performance.md).

Not behind a pooler: the next transaction may be in another session, without our plans.
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
from psycopg.pq import Format, PipelineStatus
from psycopg.types.datetime import TimestamptzLoader

from engine import conf

AFTER = 3  # runs after which a statement is prepared
PLAN_IS_STALE = "0A000"  # a migration changed the type of a column


def ask(
    sql: str, params: Sequence[Any] | Mapping[str, Any] = (), *, prepare: bool = True, binary: bool = False
) -> CursorWrapper:
    """Like `connection.cursor()`; the server binds the parameters, so each states its type: `%s::text`.

    prepare: False where a plan made while the table was nearly empty would be bad after a flood.
    binary: answer in PostgreSQL's binary form, which is half as long for bytes.
    """
    raw = _raw()
    with connection.wrap_database_errors:
        # Django's own loader of times takes 6 to 10 microseconds for each.
        raw.prepare_threshold = AFTER if prepare and _keeps_plans(raw) else None
        bare: Any = ServerBindingCursor(raw)  # type: ignore[call-arg]
        bare.format = Format.BINARY if binary else Format.TEXT
        bare.adapters.register_loader("timestamptz", TimestamptzLoader)
    cursor = connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare)
    try:
        cursor.execute(sql, params)
    except NotSupportedError as error:
        if getattr(error.__cause__, "sqlstate", None) != PLAN_IS_STALE or connection.in_atomic_block:
            raise
        raw.execute("DEALLOCATE ALL", prepare=False)  # psycopg prepares them again
        cursor.execute(sql, params)
    return cursor


@contextmanager
def pipeline() -> Iterator[None]:
    """Send without waiting for answers. Reading one waits for it and all before it.

    An error is raised by the next query or at the end of the block, so do not catch one inside.
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
                pipeline.sync()  # statements after the error were not executed
            raise
        except BaseException:
            raw.close()  # interrupted: waiting for the answers could hang
            raise


def _send_all(raw: Any) -> None:
    """psycopg's sync would wait for answers to what is not sent yet, while the server waits for the rest."""
    if raw.pgconn.flush():
        raw.wait(send(raw.pgconn))


def session_pid() -> int:
    """A pooler tells a number of its own, which no session has."""
    pid: int = _raw().pgconn.backend_pid
    return pid


def _raw() -> Any:
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    return connection.connection


def _keeps_plans(raw: Any) -> bool:
    return conf.POOLER_KEEPS_PREPARED_STATEMENTS or _has_own_session(raw)


def _has_own_session(raw: Any) -> bool:
    """Without a pooler the server's pid is the one told at connection."""
    if not hasattr(raw, "has_own_session"):
        with raw.cursor() as cursor:
            raw.has_own_session = cursor.execute("SELECT pg_backend_pid()").fetchone()[0] == raw.pgconn.backend_pid
    return bool(raw.has_own_session)
