"""Web, worker and beat on a database and a broker that already run. Tests kill and restart them."""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stack.addresses import listed, to_ask
from stack.process import Process

# They end in reverse, so that nothing new comes in while the worker finishes.
NAMES = ("worker", "beat", "web")
SLOW_WORKER = "slow-worker"  # what takes minutes, such as a large bank statement
GRACE = 30


class Application:
    def __init__(
        self,
        var: Path,
        *,
        port: int,
        environment: Mapping[str, str],
        root: Path | None = None,
        slow_worker: bool = False,
    ) -> None:
        """`environment` is added to ours and must name DATABASE_URL and BROKER_URL where ours does not."""
        self.port = port
        self._log = var / "log"
        self._root = root or Path(__file__).parents[1]
        self._worker_ready = var / "worker.ready"
        ours = {"PYTHONUNBUFFERED": "1", "PORT": str(port), "WORKER_READY_FILE": str(self._worker_ready)}
        self._environment = os.environ | ours | dict(environment)
        self._host = to_ask(listed(self._environment.get("BIND", "")))
        self._slow_worker_ready = var / f"{SLOW_WORKER}.ready" if slow_worker else None
        self._processes = self._slow_worker() | {name: self._manage(name) for name in NAMES}

    def prepare(self) -> None:
        self.command("migrate", "--noinput", "-v0")
        self.command("seed_demo")

    def command(self, name: str, *options: str) -> None:
        """A failure is a StackError with the end of its log."""
        with self._manage(name, *options) as process:
            process.finish()

    @contextmanager
    def running(self) -> Iterator[Application]:
        for file in self._ready_files().values():
            file.unlink(missing_ok=True)
        with ExitStack() as ending:
            for process in self._processes.values():
                ending.enter_context(process)
            self.wait_until_ready()
            yield self

    def wait_until_ready(self, *, within: float = 60) -> None:
        web = self.process("web")
        web.wait_until(lambda: self._all_live_and_answer("/healthz"), within=within, every=0.2)
        web.wait_until(lambda: self._all_live_and_answer("/readyz"), within=within, every=0.2)
        for name, file in self._ready_files().items():
            self.process(name).wait_until(file.exists, within=within)

    def must_live(self) -> None:
        """The StackError names the process that ended by itself."""
        for process in self._processes.values():
            process.must_live()

    def answers(self, path: str) -> bool:
        """Raises StackError if web ended by itself."""
        self.process("web").must_live()
        connection = http.client.HTTPConnection(self._host, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def process(self, name: str) -> Process:
        return self._processes[name]

    @property
    def logs(self) -> list[Path]:
        return [process.log for process in self._processes.values()]

    @property
    def database_url(self) -> str:
        return self._environment["DATABASE_URL"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _ready_files(self) -> dict[str, Path]:
        slow = {SLOW_WORKER: self._slow_worker_ready} if self._slow_worker_ready else {}
        return {"worker": self._worker_ready, **slow}

    def _slow_worker(self) -> dict[str, Process]:
        if self._slow_worker_ready is None:
            return {}
        more = {"WORKER_QUEUES": "slow", "WORKER_READY_FILE": str(self._slow_worker_ready)}
        return {SLOW_WORKER: self._manage("worker", name=SLOW_WORKER, more=more)}

    def _manage(self, command: str, *options: str, name: str = "", more: Mapping[str, str] = {}) -> Process:
        return Process(
            name or command,
            [sys.executable, "manage.py", command, *options],
            log=self._log / f"{name or command}.log",
            env=self._environment | dict(more),
            cwd=self._root,
            grace=GRACE,
        )

    def _all_live_and_answer(self, path: str) -> bool:
        self.must_live()
        return self.answers(path)
