from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import Error, connection

T = TypeVar("T")

RECONNECTING, RECONNECT_EVERY = 5.0, 0.1  # seconds


def in_a_session(work: Callable[[], T]) -> T:
    """Repeat `work` in a new session if ours has ended, for RECONNECTING seconds."""
    ends = time.monotonic() + RECONNECTING
    while True:
        session = connection.connection
        try:
            return work()
        except Error as error:
            if (session is not None and not has_ended(session, error)) or time.monotonic() > ends:
                raise
            time.sleep(RECONNECT_EVERY)


def current_session() -> Any:
    """For has_ended() later: Django may open another meanwhile."""
    connection.ensure_connection()
    return connection.connection


def has_ended(session: Any, error: BaseException | None = None) -> bool:
    """OperationalError is no proof of it. The next query opens another session."""
    if connection.connection is session and (
        session.closed or (isinstance(error, Error) and not connection.is_usable())
    ):
        connection.close()
    return connection.connection is not session


def sqlstate_of(error: BaseException) -> str | None:
    return getattr(error.__cause__, "sqlstate", None)
