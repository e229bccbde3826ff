from __future__ import annotations

import threading
import time
from dataclasses import dataclass

AT_LEAST = 1.0  # second, however long the request was queued
SILENT_FOR = 2.0  # seconds in which nobody tries again after a wait in vain


@dataclass(frozen=True)
class Timeouts:
    """`statement`, `lock`: seconds, limits of the server.

    `answer`: seconds after which we give up a server that stands still.
    """

    statement: int = 0
    lock: int = 0
    answer: float | None = None

    @property
    def options(self) -> str:
        """A pooler may drop them: docs/scaling.md."""
        given = {"statement_timeout": self.statement, "lock_timeout": self.lock}
        return " ".join(f"-c {name}={seconds}s" for name, seconds in given.items() if seconds)


# A request is answered within 10 s. A worker's handlers have deadlines of their own.
WEB = Timeouts(statement=7, lock=5, answer=8.0)
WORKER = Timeouts(statement=30)

in_force = Timeouts()


def use(timeouts: Timeouts) -> None:
    global in_force
    in_force = timeouts


class RequestDeadline(threading.local):
    """How long the request of this thread still waits, counted from its arrival or from the last answer."""

    came_at: float | None = None

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.since = time.monotonic() if self.came_at is None else self.came_at
        self.is_over, self.came_at = False, None

    def left(self, answer: float) -> float:
        """Seconds for the next wait; 0: do not ask."""
        if self.is_over or time.monotonic() < silence.until:
            return 0
        return max(AT_LEAST, self.since + answer - time.monotonic())

    def record_answer(self) -> None:
        self.since = silence.heard_at = time.monotonic()
        silence.until = 0.0

    def record_silence(self) -> None:
        self.is_over = True
        now = time.monotonic()
        if now - silence.heard_at > SILENT_FOR:
            silence.until = now + SILENT_FOR


class Silence:
    heard_at = 0.0
    until = 0.0


silence = Silence()
request_deadline = RequestDeadline()
