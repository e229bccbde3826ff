"""Options of the broker, Valkey or Redis, and the names of queues and tasks."""

from __future__ import annotations

from typing import Any

from kombu.entity import Queue

from engine import conf
from engine.registry import SLOW, lanes, slow_kinds

SCHEMES = ("redis", "rediss")
PUBLISH_TIMEOUT = 1  # seconds that a publisher waits at most; a consumer waits longer
SOFT_LIMIT, HARD_LIMIT = 22, 25  # seconds of a task
# Tasks are sent by name, so that a publisher need not import what a worker executes.
RUN_DUE_EFFECTS = "engine.worker.tasks.run_due_effects"
SWEEP_EFFECTS = "engine.worker.tasks.sweep_effects"

TRANSPORT_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": PUBLISH_TIMEOUT,
    "socket_connect_timeout": PUBLISH_TIMEOUT,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # Kombu's defaults retry for 4 s, with sleeps of 2 s.
    "max_retries": 0,
    "interval_start": 0,
    "interval_max": 0,
}
# A consumer blocks for 1 s on the broker, so it must be given longer than that to answer.
CONSUMER_OPTIONS = TRANSPORT_OPTIONS | {"socket_timeout": 5}


def queue_names() -> list[str]:
    """The queues that commits notify: one for each lane but the slow one, which is only swept."""
    return [lane for lane in lanes() if lane != SLOW]


def swept_queues() -> list[str]:
    """The queues that beat sends sweeps to: the slow lane's too, if a kind is of that lane."""
    return queue_names() + [SLOW] * bool(slow_kinds())


def own_queues() -> list[str]:
    """The queues that this worker consumes."""
    return conf.WORKER_QUEUES or queue_names()


def served_lanes() -> list[str]:
    """The lanes that this worker executes: the slow one only if WORKER_QUEUES names it."""
    return conf.WORKER_QUEUES or [lane for lane in lanes() if lane != SLOW]


def limits(queue: str) -> dict[str, float]:
    """Time limits of a task in this queue; a slow run is longer by the call at its end. The sender sets them."""
    longest = max((kind.timeout.total_seconds() for kind in slow_kinds() if queue == SLOW), default=0.0)
    return {"soft_time_limit": SOFT_LIMIT + longest, "time_limit": HARD_LIMIT + longest}


def queues() -> list[Queue]:
    return [Queue(name, routing_key=name) for name in swept_queues()]  # type: ignore[no-untyped-call]
