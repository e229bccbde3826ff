"""What differs between Valkey, or Redis, and RabbitMQ. With each a message is a doorbell, and no wait is long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.entity import Queue
from kombu.messaging import Producer

from engine import conf
from engine.registry import SLOW, lanes, slow_kinds

WAIT = 1  # s that a publisher waits at most; consumers get more: be_a_worker()
MOST = 10_000  # messages that wait in a queue of RabbitMQ; the oldest goes, for a ring is as good as the next
SOFT_LIMIT, HARD_LIMIT = 22, 25  # seconds of a task
STALE = 60  # s after which RabbitMQ drops a ring: sweeps come each second

# Kombu would try again for 4 s, sleeping 2 s in between.
_ONCE = {"max_retries": 0, "interval_start": 0, "interval_max": 0}


def is_amqp() -> bool:
    return conf.BROKER_URL.partition("://")[0].split("+")[0] in {"amqp", "amqps", "pyamqp"}


def options() -> dict[str, Any]:
    """Celery's settings for this broker. For both: a publisher waits no longer than WAIT."""
    if not is_amqp():
        return {
            "broker_transport_options": {
                "visibility_timeout": 300,
                "unacked_restore_interval": 5,
                "unacked_restore_throttle": 1,
                "socket_timeout": WAIT,
                "socket_connect_timeout": WAIT,
                "socket_keepalive": True,
                "health_check_interval": 10,
                **_ONCE,
            }
        }
    return {
        "broker_connection_timeout": WAIT,
        "broker_heartbeat": 10,  # of consumers; a publisher has none, and finds out when it publishes
        "broker_transport_options": {
            "confirm_publish": True,  # else a ring that the broker refuses is not seen to be lost
            "read_timeout": WAIT,
            "write_timeout": WAIT,
            **_ONCE,
        },
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
    }


def options_of_a_consumer(publisher: dict[str, Any]) -> dict[str, Any]:
    """It blocks for 1 s on the broker, so it must be given longer than that to answer."""
    return publisher | ({"read_timeout": 5, "write_timeout": 5} if is_amqp() else {"socket_timeout": 5})


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
    """As RabbitMQ is told to make them; for Valkey they are names."""
    more: dict[str, Any] = {}
    if is_amqp():
        more = {"queue_arguments": {"x-queue-type": "quorum"}, "max_length": MOST, "message_ttl": STALE}
    return [Queue(name, routing_key=name, **more) for name in swept_queues()]  # type: ignore[no-untyped-call]


@contextmanager
def producing() -> Iterator[Producer]:
    """A producer of the pool. After a failure RabbitMQ's connection goes: it may be dead, or answer too late."""
    from engine.worker.app import app

    with app.producer_or_acquire() as producer:
        try:
            yield producer
        except Exception:
            if is_amqp():
                producer.connection.collect()
            raise
