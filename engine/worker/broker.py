from __future__ import annotations

from typing import Any

from kombu.entity import Queue

from engine import conf
from engine.registry import SLOW, lanes, slow_kinds

SCHEMES = ("redis", "rediss")
PUBLISH_TIMEOUT = 1  # seconds; a consumer waits longer
SOFT_LIMIT, HARD_LIMIT = 22, 25  # seconds
# By name, so that a publisher need not import what a worker executes.
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
# A consumer blocks for 1 s on the broker.
CONSUMER_OPTIONS = TRANSPORT_OPTIONS | {"socket_timeout": 5}


def queue_names() -> list[str]:
    """The slow lane is only swept."""
    return [lane for lane in lanes() if lane != SLOW]


def swept_queues() -> list[str]:
    return queue_names() + [SLOW] * bool(slow_kinds())


def own_queues() -> list[str]:
    return conf.WORKER_QUEUES or queue_names()


def served_lanes() -> list[str]:
    return conf.WORKER_QUEUES or [lane for lane in lanes() if lane != SLOW]


def limits(queue: str) -> dict[str, float]:
    """A slow run is longer by the call at its end."""
    longest = max((kind.timeout.total_seconds() for kind in slow_kinds() if queue == SLOW), default=0.0)
    return {"soft_time_limit": SOFT_LIMIT + longest, "time_limit": HARD_LIMIT + longest}


def queues() -> list[Queue]:
    return [Queue(name, routing_key=name) for name in swept_queues()]  # type: ignore[no-untyped-call]
