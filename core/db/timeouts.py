"""How long a process waits for PostgreSQL. What an operator runs, such as migrate, waits as long as it takes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

AT_LEAST = 1.0  # second that a wait gets, however long its request stood in the queue
SILENT_FOR = 2.0  # seconds in which nobody asks again, once somebody waited in vain and nobody else was answered


@dataclass(frozen=True)
class Timeouts:
    """`statement`, `lock`: seconds after which the server gives up, 0 for never; `answer`: after which we do.

    A server that stands still, or a machine that vanished, ends no statement: only we can.
    """

    statement: int = 0
    lock: int = 0
    answer: float | None = None

    @property
    def options(self) -> str:
        """As libpq sends them at the start of a session. A pooler may drop them: docs/scaling.md."""
        given = {"statement_timeout": self.statement, "lock_timeout": self.lock}
        return " ".join(f"-c {name}={seconds}s" for name, seconds in given.items() if seconds)


# A request is answered within 10 s. A worker's handlers have deadlines of their own, which end a wait for a lock too.
WEB = Timeouts(statement=7, lock=5, answer=8.0)
WORKER = Timeouts(statement=30)

in_force = Timeouts()


def use(timeouts: Timeouts) -> None:
    """From now on, for connections that this process opens."""
    global in_force
    in_force = timeouts


class Patience(threading.local):
    """How long the request of this thread still waits: so long since it came, or since the last answer to it."""

    came_at: float | None = None  # of the request that is about to begin, where the server knows it

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.since = time.monotonic() if self.came_at is None else self.came_at
        self.is_over, self.came_at = False, None

    def left(self, answer: float) -> float:
        """Seconds for the next wait; 0 when it is not worth asking."""
        if self.is_over or time.monotonic() < silence.until:
            return 0
        return max(AT_LEAST, self.since + answer - time.monotonic())

    def heard(self) -> None:
        self.since = silence.heard_at = time.monotonic()
        silence.until = 0.0

    def in_vain(self) -> None:
        """The rest of this request need not ask again; nor need others, if the server is silent to all of us."""
        self.is_over = True
        now = time.monotonic()
        if now - silence.heard_at > SILENT_FOR:
            silence.until = now + SILENT_FOR


class Silence:
    """What all threads know of the server."""

    heard_at = 0.0
    until = 0.0


silence = Silence()
patience = Patience()
