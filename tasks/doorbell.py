"""Ring after commit, in one bounded publish: a broker that is down or hangs never fails or slows a request twice.

Who commits while a ring is on its way that nobody has answered yet need not ring again: the worker that answers it
looks at the rows after that. So a burst of a thousand commits is a handful of messages.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from kombu.messaging import Producer

from core.tracing import span
from workflows.engine.lease import SHARE
from workflows.engine.run import BATCH

log = logging.getLogger(__name__)

MOST_MESSAGES = 4  # for one ring
PAUSE = 5.0  # seconds without ringing after the broker failed; the sweeper finds the work
RUNG = "countersign.rung"  # in the broker while a ring waits for its answer
UNANSWERED = 1000  # ms, after which a ring is taken for lost
_quiet_until = 0.0
_local = threading.local()


def ring_for(*, ids: Sequence[UUID], **_: Any) -> None:
    """Receiver of `effects_recorded`."""
    if not getattr(_local, "answering", False):
        ring(ids if len(ids) > SHARE else (), once=len(ids) <= SHARE)


def ring(ids: Sequence[UUID], *, once: bool = False) -> bool:
    """Tell the workers about due effects, or to look for themselves; False when the broker did not take it.

    once: not while such a ring waits to be answered.
    """
    global _quiet_until
    from tasks.celery import app
    from tasks.effects import run_due_effects

    if time.monotonic() < _quiet_until:
        return False
    if _quiet_until:  # it failed before: one finds out how it is now, the others need not wait with it
        _quiet_until = time.monotonic() + PAUSE
    try:
        with span("doorbell.ring", effects=len(ids)), app.producer_or_acquire() as producer:
            if not (once and _is_rung(producer)):
                for message in messages(ids):
                    run_due_effects.apply_async((message,), producer=producer)
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE
        log.warning("The broker did not take the ring, the sweeper will: %s", error)
        return False
    _quiet_until = 0.0
    return True


def answer() -> None:
    """Before a worker looks at the rows: what is committed from now on is to be rung for again."""
    from tasks.celery import app

    try:
        with app.producer_or_acquire() as producer:
            if client := _client(producer):
                client.delete(RUNG)
    except Exception as error:  # then it runs out by itself
        log.warning("The broker did not hear the answer: %s", error)


def _is_rung(producer: Producer) -> bool:
    """Whether a ring waits to be answered; from now on one does."""
    client = _client(producer)
    return client is not None and not client.set(RUNG, 1, nx=True, px=UNANSWERED)


def _client(producer: Producer) -> Any:
    """The Redis client below; None for a broker of another kind, where every commit rings."""
    return getattr(producer.channel, "client", None)


def messages(ids: Sequence[UUID]) -> list[list[str]]:
    """A few are named. Of many only this is said, to a few workers, so that a claim can share them out fairly."""
    if len(ids) <= SHARE:
        return [[str(key) for key in ids]]
    return [[]] * min(MOST_MESSAGES, -(-len(ids) // BATCH))


@contextmanager
def answering() -> Iterator[None]:
    """While a worker pays debts it looks for more by itself, so nobody needs to ring for what it records."""
    _local.answering = True
    try:
        yield
    finally:
        _local.answering = False
