"""A checkout with a stand-in for the product, and ways to see what runs in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from stack.ports import free_port
from stack.stale_server import command_of

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Unlike tmp_path, one that PostgreSQL's user can pass through when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-checkout-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def checkout(open_folder: Path) -> Path:
    shutil.copy(Path(__file__).with_name("fake_manage.py"), open_folder / "manage.py")
    return open_folder


@pytest.fixture
def port() -> int:
    return free_port()


class Up:
    """`python -m stack up` in a checkout, as a person runs it."""

    def __init__(self, checkout: Path, *, output: int | None = None, **environment: str) -> None:
        self.checkout = checkout
        self._output = checkout / "output"
        outside = {"DATABASE_URL": "postgresql://elsewhere/db", "BROKER_URL": "redis://elsewhere"}
        with self._output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stack", "up"],
                cwd=checkout,
                env=os.environ | outside | {"PYTHONPATH": str(REPOSITORY)} | environment,
                stdout=file if output is None else output,
                stderr=subprocess.STDOUT,
                # What started the tests may ignore it, as nohup does; then all that they start would, too.
                preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_until_ready(self) -> None:
        assert eventually(lambda: "Ctrl-C stops everything" in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def pid(self, name: str) -> int:
        return int((self.checkout / f"{name}.pid").read_text())

    def told(self, name: str) -> dict[str, str]:
        """The environment of one of its processes."""
        found: dict[str, str] = json.loads((self.checkout / f"{name}.environment").read_text())
        return found

    def leftovers(self) -> list[str]:
        # A process may have been told to stop between making its file and writing into it.
        pids = [int(text) for file in self.checkout.glob("*.pid") if (text := file.read_text())]
        return [command for pid in pids if (command := command_of(pid))]


@pytest.fixture
def up(checkout: Path, port: int) -> Iterator[Callable[..., Up]]:
    """Start it with `up(NAME="value")`; what a failed test leaves is ended."""
    started: list[Up] = []

    def start(*, output: int | None = None, **environment: str) -> Up:
        started.append(Up(checkout, output=output, **{"PORT": str(port)} | environment))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGTERM)


def eventually(true: Callable[[], bool], *, within: float = 30) -> bool:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
