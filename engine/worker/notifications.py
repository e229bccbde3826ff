"""One bounded publish after a commit: a broker that is down never fails a request.

While a message waits in a queue, further commits send none: the worker that takes it reads the rows after it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import UUID

from kombu.messaging import Producer

from engine.claim import MAX_PER_TENANT
from engine.executor import BATCH
from engine.tracing import span
from engine.worker.app import app
from engine.worker.broker import PUBLISH_TIMEOUT, RUN_DUE_EFFECTS, limits, own_queues, queue_names

log = logging.getLogger(__name__)

MAX_WAITING_MESSAGES = 4  # in one queue, from all senders
PAUSE = 5.0  # seconds without publishing after the broker failed; the sweeper finds the work
PENDING_KEY = "engine.notified"  # in Valkey, for each queue
PENDING_MS = 1000  # after which an unacknowledged notification is taken for lost
_quiet_until = 0.0
_local = threading.local()


def notify_workers(*, ids: Sequence[UUID], lanes: Collection[str] = (), **_: Any) -> None:
    """Receiver of `effects_created`."""
    unmuted = getattr(_local, "unmuted", None)
    queues = [queue for queue in (queue_names() if unmuted is None else unmuted) if not lanes or queue in lanes]
    if queues:
        notify(ids if len(ids) > MAX_PER_TENANT else (), once=len(ids) <= MAX_PER_TENANT, queues=queues)


def notify(ids: Sequence[UUID], *, once: bool = False, queues: Sequence[str] = ()) -> bool:
    """False if the broker did not take it. once: not where such a notification waits already."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    if _quiet_until:  # it failed before: the others do not wait with this thread
        _quiet_until = time.monotonic() + PAUSE
    try:
        with span("engine.notify", effects=len(ids)), producing() as producer:
            for queue in queues or queue_names():
                if not (once and _is_pending(producer, queue)):
                    for message in messages(ids)[: free_message_slots(producer, queue)]:
                        app.send_task(
                            RUN_DUE_EFFECTS,
                            (message,),
                            producer=producer,
                            queue=queue,
                            confirm_timeout=PUBLISH_TIMEOUT,
                            **limits(queue),
                        )
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE
        log.warning("The broker did not take the notification, the sweeper will find the work: %s", error)
        return False
    _quiet_until = 0.0
    return True


def clear_pending() -> None:
    """Before a worker reads the rows: what is committed later needs a notification of its own."""
    try:
        with producing() as producer:
            _client(producer).delete(*map(_pending_key, own_queues()))
    except Exception as error:
        log.warning("The broker did not take the acknowledgement: %s", error)


def producing() -> AbstractContextManager[Producer]:
    producer: AbstractContextManager[Producer] = app.producer_or_acquire()
    return producer


def _is_pending(producer: Producer, queue: str) -> bool:
    """If none waits, marks that one does."""
    return not _client(producer).set(_pending_key(queue), 1, nx=True, px=PENDING_MS)


def free_message_slots(producer: Producer, queue: str) -> int:
    """How many more messages are of use."""
    return max(0, MAX_WAITING_MESSAGES - int(_client(producer).llen(queue)))


def _pending_key(queue: str) -> str:
    return f"{PENDING_KEY}.{queue}"


def _client(producer: Producer) -> Any:
    return producer.channel.client


def messages(ids: Sequence[UUID]) -> list[list[str]]:
    """Of many ids none is sent: several empty messages wake several workers, whose claims share the work."""
    if len(ids) <= MAX_PER_TENANT:
        return [[str(key) for key in ids]]
    return [[]] * min(MAX_WAITING_MESSAGES, -(-len(ids) // BATCH))


@contextmanager
def suppress_notifications() -> Iterator[None]:
    """A worker that executes effects looks for more by itself, in its own lanes."""
    _local.unmuted = [queue for queue in queue_names() if queue not in own_queues()]
    try:
        yield
    finally:
        _local.unmuted = None
