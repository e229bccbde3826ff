"""Ring after commit, in one bounded publish: a broker that is down or hangs never fails or slows a request twice.

Who commits while a ring is on its way that nobody has answered yet need not ring again: the worker that answers it
looks at the rows after that. So a burst of a thousand commits is a handful of messages. That a ring waits is noted in
Valkey itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from kombu.messaging import Producer

from engine import conf
from engine.claim import MAX_PER_TENANT
from engine.executor import BATCH
from engine.registry import SLOW, lanes
from engine.tracing import span
from engine.worker.broker import WAIT, limits, producing, queue_names

log = logging.getLogger(__name__)

MOST_MESSAGES = 4  # that wait in one queue of Valkey, from all senders
PAUSE = 5.0  # seconds without ringing after the broker failed; the sweeper finds the work
PENDING_KEY = "engine.rung"  # in Valkey, for each queue in which a ring waits for its answer
UNANSWERED = 1000  # ms, after which a ring is taken for lost
_quiet_until = 0.0
_local = threading.local()


def notify_workers(*, ids: Sequence[UUID], lanes: Collection[str] = (), **_: Any) -> None:
    """Receiver of `effects_created`. lanes: of these effects; empty: of any."""
    deaf = getattr(_local, "deaf", None)
    queues = [queue for queue in (queue_names() if deaf is None else deaf) if not lanes or queue in lanes]
    if queues:
        notify(ids if len(ids) > MAX_PER_TENANT else (), once=len(ids) <= MAX_PER_TENANT, queues=queues)


def notify(ids: Sequence[UUID], *, once: bool = False, queues: Sequence[str] = ()) -> bool:
    """Tell the workers about due effects, or to look for themselves; False when the broker did not take it.

    once: not while such a ring waits to be answered. queues: only there. Nor where as many wait as there is use for.
    """
    global _quiet_until
    from engine.worker.tasks import run_due_effects

    if time.monotonic() < _quiet_until:
        return False
    if _quiet_until:  # it failed before: one finds out how it is now, the others need not wait with it
        _quiet_until = time.monotonic() + PAUSE
    try:
        with span("doorbell.ring", effects=len(ids)), producing() as producer:
            for queue in queues or queue_names():
                if not (once and _is_pending(producer, queue)):
                    for message in messages(ids)[: room_in(producer, queue)]:
                        run_due_effects.apply_async(
                            (message,), producer=producer, queue=queue, confirm_timeout=WAIT, **limits(queue)
                        )
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE
        log.warning("The broker did not take the ring, the sweeper will: %s", error)
        return False
    _quiet_until = 0.0
    return True


def acknowledge() -> None:
    """Before a worker looks at the rows: what is committed from now on is to be rung for again."""
    try:
        with producing() as producer:
            _client(producer).delete(*map(_note, own_queues()))
    except Exception as error:  # then it runs out by itself
        log.warning("The broker did not hear the answer: %s", error)


def own_queues() -> list[str]:
    """The queues that this worker listens to."""
    return conf.WORKER_QUEUES or queue_names()


def served_lanes() -> list[str]:
    """The lanes that it does: the slow one only where it is named, by a worker that does no other."""
    return conf.WORKER_QUEUES or [lane for lane in lanes() if lane != SLOW]


def _is_pending(producer: Producer, queue: str) -> bool:
    """Whether a ring waits to be answered; from now on one does."""
    return not _client(producer).set(_note(queue), 1, nx=True, px=UNANSWERED)


def room_in(producer: Producer, queue: str) -> int:
    """How many more messages are of use: who takes one of those that wait there looks at the rows after this."""
    return max(0, MOST_MESSAGES - int(_client(producer).llen(queue)))


def _note(queue: str) -> str:
    return f"{PENDING_KEY}.{queue}"


def _client(producer: Producer) -> Any:
    """The Redis client below."""
    return producer.channel.client


def messages(ids: Sequence[UUID]) -> list[list[str]]:
    """A few are named. Of many only this is said, to a few workers, so that a claim can share them out fairly."""
    if len(ids) <= MAX_PER_TENANT:
        return [[str(key) for key in ids]]
    return [[]] * min(MOST_MESSAGES, -(-len(ids) // BATCH))


@contextmanager
def suppress_notifications() -> Iterator[None]:
    """While a worker executes effects it looks for more by itself, so nobody needs to notify its own lanes."""
    _local.deaf = [queue for queue in queue_names() if queue not in own_queues()]
    try:
        yield
    finally:
        _local.deaf = None
