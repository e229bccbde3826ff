"""Limits how many processes of a worker execute external effects at once, so that one is left for the others."""

from __future__ import annotations

import fcntl
import tempfile
from typing import IO, Any

# Locks on bytes of an anonymous file: the kernel releases those of a process that dies.
_file: IO[Any] | None = None
_slots = 0
_held: int | None = None
was_full = False


def limit_to(slots: int) -> None:
    """Called before the processes are forked; without it there is no limit."""
    global _file, _slots
    _file, _slots = tempfile.TemporaryFile(), slots  # noqa: SIM115 - open as long as the worker lives


def enter() -> bool:
    global _held, was_full
    was_full = _file is not None and _held is None and not any(map(_take, range(_slots)))
    return not was_full


def leave() -> None:
    global _held
    if _file is not None and _held is not None:
        fcntl.lockf(_file, fcntl.LOCK_UN, 1, _held)
        _held = None


def _take(slot: int) -> bool:
    global _held
    assert _file is not None
    try:
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
    except OSError:
        return False
    _held = slot
    return True
