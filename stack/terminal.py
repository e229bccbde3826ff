from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable
from pathlib import Path


def say(text: str) -> None:
    """A broken pipe must not stop a shutdown."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        # The interpreter flushes stdout once more at exit and would complain.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def terminal_closed() -> bool:
    """Also true if the reader of our pipe ended."""
    stdout = select.poll()
    stdout.register(1, 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in stdout.poll(0))


def tail(log: Path, *, lines: int = 15) -> str:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


class FollowUp:
    """Shows new lines of logs under their process's name.

    Children write to files: a stuck terminal never blocks them, and they can log their own end when we are gone.
    """

    def __init__(self, logs: Iterable[Path]) -> None:
        self._unread = dict.fromkeys(logs, b"")
        self._offsets = dict.fromkeys(self._unread, 0)
        self._width = max(len(log.stem) for log in self._unread)

    def show(self) -> None:
        for log in self._unread:
            for line in self._new_lines(log):
                say(f"{log.stem:<{self._width}} | {line}")

    def _new_lines(self, log: Path) -> list[str]:
        try:
            with log.open("rb") as file:
                file.seek(self._offsets[log])
                new = file.read()
        except FileNotFoundError:
            return []
        self._offsets[log] += len(new)
        *whole, self._unread[log] = (self._unread[log] + new).split(b"\n")
        return [line.decode(errors="replace") for line in whole]
