from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import psycopg
from django.core.signals import request_started
from django.db.backends.postgresql import base
from django.dispatch import receiver

from core.db import timeouts
from core.db.timeouts import RequestDeadline, request_deadline

NOT_ASKED = "the database was silent before, and is not asked again yet"


class Connection(psycopg.Connection[Any]):
    """Closes the connection when the server stays silent."""

    answer: float | None = None  # seconds
    deadline: RequestDeadline | None = None  # of its request

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        if self.answer is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        left = self.deadline.left(self.answer) if self.deadline else self.answer
        if not left:
            self.pgconn.finish()
            raise psycopg.OperationalError(NOT_ASKED)
        try:
            found = super().wait(gen, interval, left)
        except psycopg.errors._WaitTimeout:
            self.pgconn.finish()  # the answer would be taken for that to the next query
            if self.deadline:
                self.deadline.record_silence()
            raise psycopg.OperationalError(f"the database did not answer within {left:.1f} s") from None
        if self.deadline:
            self.deadline.record_answer()
        return found


class DatabaseWrapper(base.DatabaseWrapper):
    Database = SimpleNamespace(**vars(psycopg) | {"connect": Connection.connect})  # type: ignore[assignment]
    own_answer: float | None = None  # seconds

    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        params["options"] = f"{timeouts.in_force.options} {params.get('options', '')}".strip()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if self.own_answer is not None or timeouts.in_force.answer is None:
            raw = super().get_new_connection(conn_params)
            raw.answer = self.own_answer
            return raw
        return self._connect_for_a_request(conn_params, timeouts.in_force.answer)

    def _connect_for_a_request(self, conn_params: dict[str, Any], answer: float) -> Any:
        left = request_deadline.left(answer)
        if not left:
            raise psycopg.OperationalError(NOT_ASKED)
        seconds = min(math.ceil(left), int(conn_params.get("connect_timeout", left)))
        try:
            raw = super().get_new_connection(conn_params | {"connect_timeout": max(2, seconds)})
        except psycopg.errors.ConnectionTimeout:
            request_deadline.record_silence()
            raise
        raw.answer, raw.deadline = answer, request_deadline
        return raw


@receiver(request_started)
def begin(**_: Any) -> None:
    request_deadline.begin()
