"""How a handler says what went wrong. Any other exception is retried, each time after a longer wait."""

from __future__ import annotations

from datetime import timedelta


class PermanentFailure(Exception):  # noqa: N818
    """Retrying cannot help: the effect is dead at once. A Problem means the same."""


class RemoteUnavailable(Exception):  # noqa: N818
    """The far side is down, and nothing has reached it: the whole kind waits, and no attempt is charged."""


class Unanswered(Exception):  # noqa: N818
    """The far side may have done it: retried once under the same key, then left to an operator."""


class RetryAfter(Exception):  # noqa: N818
    """The far side asks for a retry, after `after` if it said when: a failure that gets the kind's patience."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class NotYet(Exception):  # noqa: N818
    """Not now, which is no failure: an external effect is executed again after `after`, or at look_again()."""

    def __init__(self, reason: str, *, after: timedelta) -> None:
        super().__init__(reason)
        self.after = after


class TimedOut(Exception):  # noqa: N818
    """The handler took longer than its kind allows."""


# What a worker's own time limit raises inside a handler; the worker adds to it.
INTERRUPTIONS: list[type[Exception]] = []


class SessionEnded(Exception):  # noqa: N818
    """The database session ended while an effect was executed."""


class UnknownMachine(Exception):  # noqa: N818
    """An effect is about a row of a model that is not here."""


class LeaseLost(Exception):  # noqa: N818
    """Our lease ran out and another process has the effect: our work must not be committed."""
