"""How many processes of one worker may be outside at once: never all, so that one is left for the work inside."""

from __future__ import annotations

import fcntl
import tempfile
from typing import IO, Any

# Locks on bytes of a file that nobody else can open: the kernel takes them back from a process that dies.
_file: IO[Any] | None = None
_places = 0
_held: int | None = None
was_full = False  # at the last enter()


def limit_to(places: int) -> None:
    """Before the processes are forked: so many of them may be outside at once. Without this, all."""
    global _file, _places
    _file, _places = tempfile.TemporaryFile(), places  # noqa: SIM115 - open as long as the worker lives


def enter() -> bool:
    """Whether this process may take what leaves the database; until leave()."""
    global _held, was_full
    was_full = _file is not None and _held is None and not any(map(_take, range(_places)))
    return not was_full


def leave() -> None:
    """Let another process go; harmless twice."""
    global _held
    if _file is not None and _held is not None:
        fcntl.lockf(_file, fcntl.LOCK_UN, 1, _held)
        _held = None


def _take(place: int) -> bool:
    global _held
    assert _file is not None
    try:
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except OSError:
        return False
    _held = place
    return True
