"""Valkey or Redis: a message only says that there is work, and no wait for the broker is long."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from kombu.entity import Queue
from kombu.messaging import Producer

from engine.registry import SLOW, lanes, slow_kinds

SCHEMES = ("redis", "rediss")
WAIT = 1  # s that a publisher waits at most; consumers get more: be_a_worker()
SOFT_LIMIT, HARD_LIMIT = 22, 25  # seconds of a task

TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": WAIT,
    "socket_connect_timeout": WAIT,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # Kombu would try again for 4 s, sleeping 2 s in between.
    "max_retries": 0,
    "interval_start": 0,
    "interval_max": 0,
}
# A consumer blocks for 1 s on the broker, so it must be given longer than that to answer.
CONSUMER_OPTIONS = TRANSPORT_OPTIONS | {"socket_timeout": 5}


def queue_names() -> list[str]:
    """Where workers are notified: a queue for each lane, but for the slow one, which is swept."""
    return [lane for lane in lanes() if lane != SLOW]


def swept_queues() -> list[str]:
    """Where the clock rings: there, and in the slow lane's queue where some kind is of that lane."""
    return queue_names() + [SLOW] * bool(slow_kinds())


def limits(queue: str) -> dict[str, float]:
    """Of a task in this queue: a slow run is longer by the call at its end. A message carries those of its sender."""
    longest = max((kind.timeout.total_seconds() for kind in slow_kinds() if queue == SLOW), default=0.0)
    return {"soft_time_limit": SOFT_LIMIT + longest, "time_limit": HARD_LIMIT + longest}


def queues() -> list[Queue]:
    return [Queue(name, routing_key=name) for name in swept_queues()]  # type: ignore[no-untyped-call]


def producing() -> AbstractContextManager[Producer]:
    """A producer of the pool."""
    from engine.worker.app import app

    producer: AbstractContextManager[Producer] = app.producer_or_acquire()
    return producer
