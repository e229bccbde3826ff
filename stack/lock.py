from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.problems import StackError

NAME = ".lock"


@contextmanager
def exclusive_lock(var: Path) -> Iterator[None]:
    """The kernel releases it even if we are killed."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(f"The stack is already up on {var}: stop that one first.") from None
        yield
