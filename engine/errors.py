"""What a handler raises. Any other exception is retried, each time after a longer wait."""

from __future__ import annotations

from datetime import timedelta


class PermanentFailure(Exception):  # noqa: N818
    """Retrying cannot help: the effect is dead at once. A Problem means the same."""


class RemoteUnavailable(Exception):  # noqa: N818
    """The far side is down and got nothing: the whole kind waits, uncharged."""


class Unanswered(Exception):  # noqa: N818
    """The far side may have done it: retried once, then left to an operator."""


class RetryAfter(Exception):  # noqa: N818
    """The far side asks for a retry, after `after` if it said when."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class NotYet(Exception):  # noqa: N818
    """Not now, which is no failure: executed again after `after`, or at look_again()."""

    def __init__(self, reason: str, *, after: timedelta) -> None:
        super().__init__(reason)
        self.after = after


class TimedOut(Exception):  # noqa: N818
    """The handler exceeded its time limit."""


# A worker adds the exception of its own time limit.
INTERRUPTIONS: list[type[Exception]] = []


class SessionEnded(Exception):  # noqa: N818
    """The database session ended during an effect."""


class UnknownMachine(Exception):  # noqa: N818
    """The model of the effect's object is not here."""


class LeaseLost(Exception):  # noqa: N818
    """Our lease ran out and another process has the effect, so our work must not be committed."""
