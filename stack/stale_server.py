"""Stops a PostgreSQL that still runs on our data, after a power cut or where no parent-death signal exists."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from stack.problems import StackError


def pid_file(data: Path) -> list[str]:
    """The first line is the server's pid, the eighth its state."""
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def stop_stale_server(data: Path, *, within: float = 30) -> None:
    """Our lock makes the data ours. Raises StackError after `within` seconds."""
    lines = pid_file(data)
    if not lines or not lines[0].isdigit():
        return
    deadline = time.monotonic() + within
    while str(data) in (command := command_of(int(lines[0]))):
        if time.monotonic() > deadline:
            raise StackError(f"A PostgreSQL with pid {lines[0]} is still on {data}: end it, then try again.")
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(lines[0]), signal.SIGINT)
        time.sleep(0.2)
    if command:
        # The pid is another process's by now, which PostgreSQL would take for a server; ours it does not. The other
        # lines tell whether backends still use the memory.
        (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:], ""]), encoding="utf-8")


def command_of(pid: int) -> str:
    """Empty if it has ended or is a zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    with contextlib.suppress(OSError):  # macOS has no /proc, a slim Linux image no ps
        return subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        ).stdout
    return ""
