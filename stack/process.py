from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stack.problems import StackError
from stack.terminal import tail
from stack.unprivileged import User

PARENT_DEATH = str(Path(__file__).with_name("parent_death.py"))


class Process:
    """A child in its own session, which keeps Ctrl-C away from it: we decide the order in which children end.

    Start it from the main thread: Linux ends it with the thread that started it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: User | None = None,
        stdin: Path | None = None,
        ends_by: signal.Signals = signal.SIGTERM,
        grace: float = 30,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._env = env
        self._cwd = cwd
        self._user = user
        self._stdin = stdin or Path(os.devnull)
        self._ends_by = ends_by
        self._grace = grace
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        assert not self.alive, f"{self.name} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [PARENT_DEATH, str(os.getpid()), str(int(self._ends_by)), _uid_gid(self._user)]
        with self._stdin.open("rb") as stdin, self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", *launcher, *self._command],
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Also kills what is left of its group."""
        if self._child is None:
            return
        self.send(self._ends_by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(self._grace)
        self.kill()

    def kill(self) -> None:
        """Kills it with its group, as a power cut would."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):  # EPERM: macOS, for a dead group
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def send(self, number: signal.Signals) -> None:
        """Children do not get the signal."""
        if self._child is not None:
            self._child.send_signal(number)

    def finish(self, *, within: float = 300) -> None:
        """Raises StackError unless it succeeds."""
        self.wait_until(lambda: not self.alive, within=within)
        if self.status != 0:
            raise StackError(self.failure(f"failed with status {self.status}"))

    def wait_until(self, ready: Callable[[], bool], *, within: float, every: float = 0.02) -> None:
        """Raises StackError after `within` seconds."""
        deadline = time.monotonic() + within
        while not ready():
            if time.monotonic() > deadline:
                raise StackError(self.failure(f"is not ready after {within:.0f} s"))
            time.sleep(every)

    def must_live(self) -> None:
        if not self.alive:
            raise StackError(self.failure(f"ended by itself with status {self.status}"))

    def failure(self, what: str) -> str:
        return f"{self.name} {what}. Its log, {self.log}, ends with:\n{tail(self.log)}"

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was not started"
        return self._child.pid

    @property
    def status(self) -> int | None:
        """Negative for a signal; None while it runs."""
        return None if self._child is None else self._child.poll()


def _uid_gid(user: User | None) -> str:
    return "-" if user is None else f"{user.uid}:{user.gid}"
