"""Nothing here imports Django: what needs the product runs in processes of its own (benchmarks/inside.py)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import psycopg

from benchmarks.meter import tree
from stack.postgres import Postgres
from stack.process import Process
from stack.sockets import runtime_folder
from stack.valkey import Valkey

ROOT = Path(__file__).parents[1]
SQL = ROOT / "benchmarks" / "sql"
VAR = ROOT / "var" / "bench"
SECRET_KEY = "of-the-benchmark-and-no-secret-at-all-000000"  # noqa: S105

# Durability is PostgreSQL's default, spelled out. For every peer: enough memory, and no checkpoint within a round.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "track_commit_timestamp": "on",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_utility": "on",
}


class MeasuredPostgres(Postgres):
    def _settings(self) -> list[str]:
        return [*super()._settings(), *(word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))]


class Inside:
    """A process that runs the product's code: commands and answers are lines of JSON."""

    def __init__(self, environment: dict[str, str], module: str = "benchmarks.inside", python: str = "") -> None:
        self._process = subprocess.Popen(
            [python or sys.executable, "-m", module],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def ask(self, what: str, **values: Any) -> Any:
        self.begin(what, **values)
        return self.answer()

    def begin(self, what: str, **values: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, **values}) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process inside ended with status {self._process.wait()}")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Rig:
    """PostgreSQL with full durability, Valkey and the product's processes. `with rig() as h:` starts and stops them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        log = VAR / "log"
        # The runtime folder may be in memory.
        self.postgres = MeasuredPostgres(VAR / "postgres", sockets=folder, log=log / "postgres.log")
        self.valkey = Valkey(folder / "valkey", sockets=folder, log=log / "valkey.log")
        self.sockets = folder / "postgres"

    def environment(self, database: str = "countersign", broker: int = 0) -> dict[str, str]:
        return {
            "DATABASE_URL": self.postgres.url.replace("/countersign?", f"/{database}?"),
            "BROKER_URL": self.valkey.url(broker),
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
            "SECRET_KEY": SECRET_KEY,
            "LOG_LEVEL": "WARNING",
            "WORKER_CONCURRENCY": "2",
            "DEBUG": "false",
        }

    def connect(self, database: str = "countersign", user: str = "countersign") -> psycopg.Connection:
        return psycopg.connect(host=str(self.sockets), dbname=database, user=user, autocommit=True)

    def owner(self, database: str = "countersign") -> psycopg.Connection:
        """The superuser: fills tables with triggers off."""
        return self.connect(database, "postgres")

    def new_database(self, name: str) -> None:
        with self.owner("postgres") as db:
            db.execute(f"CREATE DATABASE {name} OWNER countersign")

    def pgbench(self, script: Path, *, clients: int, each: int, values: dict[str, int]) -> float:
        """Transactions a second of so many clients, `each` of them so many."""
        out = subprocess.run(
            [
                self.postgres._bin / "pgbench", "-h", str(self.sockets), "-U", "countersign", "-n", "-M", "prepared",
                "-c", str(clients), "-j", str(clients), "-t", str(each), "-f", str(script),
                *(word for name, value in values.items() for word in ("-D", f"{name}={value}")), "countersign",
            ],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = re.search(r"tps = ([0-9.]+)", out.stdout)
        assert found is not None, out
        return float(found[1])

    def manage(self, command: str, *options: str, database: str = "countersign", **environment: str) -> Process:
        return Process(
            command,
            [sys.executable, "manage.py", command, *options],
            log=VAR / "log" / f"{command}.log",
            env=os.environ | self.environment(database) | environment,
            cwd=ROOT,
        )

    def prepare(self, database: str = "countersign") -> None:
        """The newest schema, the demo's rows, and the benchmark's own table and statistics."""
        for command in (("migrate", "--noinput", "-v0"), ("seed_demo", "--allow-public-passwords")):
            with self.manage(*command, database=database) as process:
                process.finish()
        with self.owner(database) as db:
            db.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def inside(self, database: str = "countersign", broker: int = 0, **environment: str) -> Inside:
        return Inside(self.environment(database, broker) | environment)

    @contextmanager
    def worker(self, name: str = "worker", command: Sequence[str] = (), **environment: str) -> Iterator[Process]:
        """A worker of two children, ready. command: a peer's."""
        ready = self.folder / f"{name}.ready"
        ready.unlink(missing_ok=True)
        process = Process(
            name,
            list(command) or [sys.executable, "manage.py", "worker"],
            log=VAR / "log" / f"{name}.log",
            env=os.environ | self.environment() | {"WORKER_READY_FILE": str(ready)} | environment,
            cwd=ROOT,
            grace=10,
        )
        with process:
            process.wait_until(lambda: ready.exists() or not process.alive, within=60)
            process.must_live()
            try:
                yield process
            finally:
                self.awake(process)  # a stopped process does not see SIGTERM

    def asleep(self, process: Process) -> None:
        """Stops it while another peer has the machine."""
        signal_tree(process, signal.SIGSTOP)

    def awake(self, process: Process) -> None:
        signal_tree(process, signal.SIGCONT)


def signal_tree(process: Process, number: signal.Signals) -> None:
    for pid in tree(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def rig() -> Iterator[Rig]:
    VAR.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the services are stopped, too
    with runtime_folder() as folder:
        here = Rig(folder)
        shutil.rmtree(here.postgres.data, ignore_errors=True)
        try:
            with here.postgres, here.valkey:
                yield here
        finally:
            shutil.rmtree(here.postgres.data, ignore_errors=True)
