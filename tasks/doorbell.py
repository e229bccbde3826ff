"""Ring after commit, in one bounded publish: a broker that is down or hangs never fails or slows a request twice."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from core.tracing import span
from workflows.engine.lease import SHARE
from workflows.engine.run import BATCH

log = logging.getLogger(__name__)

MOST_MESSAGES = 4  # for one ring
PAUSE = 5.0  # seconds without ringing after the broker failed; the sweeper finds the work
_quiet_until = 0.0
_local = threading.local()


def ring_for(*, ids: Sequence[UUID], **_: Any) -> None:
    """Receiver of `effects_recorded`."""
    if not getattr(_local, "answering", False):
        ring(ids)


def ring(ids: Sequence[UUID]) -> bool:
    """Tell the workers about due effects, or to look for themselves; False when the broker did not take it."""
    global _quiet_until
    from tasks.effects import run_due_effects

    if time.monotonic() < _quiet_until:
        return False
    if _quiet_until:  # it failed before: one finds out how it is now, the others need not wait with it
        _quiet_until = time.monotonic() + PAUSE
    try:
        with span("doorbell.ring", effects=len(ids)):
            for message in messages(ids):
                run_due_effects.delay(message)
    except Exception as error:
        _quiet_until = time.monotonic() + PAUSE
        log.warning("The broker did not take the ring, the sweeper will: %s", error)
        return False
    _quiet_until = 0.0
    return True


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
