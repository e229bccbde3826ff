from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """No `except Exception` on the way out may catch it."""


@contextmanager
def stop_signals() -> Iterator[None]:
    """Raise StopRequested at the first signal; further ones are ignored."""
    heard = [number for number in SIGNALS if not (number == signal.SIGHUP and _under_nohup())]
    before = {number: signal.signal(number, _raise_stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _under_nohup() -> bool:
    return signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def _raise_stop(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise StopRequested
