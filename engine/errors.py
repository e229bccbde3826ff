"""How a handler says what went wrong; whatever else it raises is tried again, each time after a longer wait."""

from __future__ import annotations

from datetime import timedelta


class PermanentFailure(Exception):  # noqa: N818
    """Trying again cannot help: the effect is dead at once. A Problem means the same."""


class RemoteUnavailable(Exception):  # noqa: N818
    """The far side is down, and nothing has reached it: the whole kind waits, and no attempt is charged."""


class Unanswered(Exception):  # noqa: N818
    """The far side may have done it and did not say so: once more under the same key, then a person finds out."""


class RetryAfter(Exception):  # noqa: N818
    """The far side asks us to come again, after that time where it said so: a failure, met with the kind's patience."""

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class NotYet(Exception):  # noqa: N818
    """Not now, and nobody's failure: what leaves the house is looked at again `after` that time, or at look_again()."""

    def __init__(self, reason: str, *, after: timedelta) -> None:
        super().__init__(reason)
        self.after = after


class TimedOut(Exception):  # noqa: N818
    """The handler took longer than its kind allows."""


# What a worker's own time limit raises in the middle of a handler: what runs workers adds to it.
INTERRUPTIONS: list[type[Exception]] = []


class SessionEnded(Exception):  # noqa: N818
    """Of the database, in the middle of an effect."""


class UnknownMachine(Exception):  # noqa: N818
    """An effect is about a row of a model that is not here."""


class LeaseLost(Exception):  # noqa: N818
    """Our lease ran out and somebody else took the effect over: what we did must not count."""
