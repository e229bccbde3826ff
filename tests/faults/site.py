"""The whole product on one machine, with every process within reach of a kill."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psycopg
import redis

from stack.application import Application
from stack.ports import free_port
from stack.postgres import Postgres
from stack.process import Process
from stack.service import Service
from stack.sockets import runtime_folder
from stack.valkey import Valkey
from tests.faults.pgbouncer import PgBouncer
from tests.http_client import http_post
from workflows.reporting.invariants import findings

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
APPROVER = {"email": "approver@demo.test", "password": "demo-demo-demo"}
UNDER_WAY = "state IN ('ready', 'leased') OR state = 'waiting' AND fence > 0"  # and not what waits for its day


class Site:
    """PostgreSQL, Valkey, worker, beat and web of our own. PostgreSQL keeps its promise to keep what it
    committed, which a throwaway one does not; Valkey comes back empty."""

    def __init__(self, folder: Path, var: Path, *, pooled: bool = False, prepares: bool = False) -> None:
        """pooled: all but this test goes through PgBouncer, which keeps prepared statements when it `prepares`."""
        self.var = var
        self.mail = var / "mail"
        others = ["nobody"] if pooled else []  # whom a pooler of root's runs as
        self.postgres = Postgres(folder / "data", sockets=folder, log=var / "log" / "postgres.log", others=others)
        self.valkey = Valkey(folder / "valkey", sockets=folder, log=var / "log" / "valkey.log", throwaway=True)
        pooler_log = var / "log" / "pgbouncer.log"
        self.pooler = PgBouncer(folder, server=folder / "postgres", log=pooler_log, prepares=prepares)
        between = [self.pooler] if pooled else []
        self._services: list[Service] = [self.postgres, self.valkey, *between]
        self.environment = {
            "DATABASE_URL": self.pooler.url if pooled else self.postgres.url,
            "BROKER_URL": self.valkey.url(),
            "DEBUG": "true",
            "MAIL_DIR": str(self.mail),
            "POOLER_KEEPS_PREPARED_STATEMENTS": str(prepares).lower(),
        }
        self.application = Application(var, port=free_port(), environment=self.environment)
        self._broker_socket = str(folder / "valkey.sock")
        self._token = ""

    @contextmanager
    def running(self) -> Iterator[Site]:
        with ExitStack() as services:
            for service in self._services:
                services.enter_context(service)
            self.in_the_product("open_up()")
            with self.application.running():
                yield self

    @classmethod
    @contextmanager
    def shared(cls, var: Path, **how: bool) -> Iterator[Site]:
        """One that several tests use, each after `heal()`; `how` as above."""
        with runtime_folder() as folder, cls(folder, var, **how).running() as site:
            yield site
            for name in ("web", "beat", "worker"):
                site.application.process(name).kill()  # nobody waits for their farewell

    def heal(self) -> None:
        """Start again what a test left dead, wake what it left asleep, and wait until nothing is under way."""
        for service in self._services:
            service.process.send(signal.SIGCONT)
            if not service.process.alive:
                service.start()
        for name in ("worker", "beat", "web"):
            process = self.application.process(name)
            if not process.alive:
                process.start()
        self.application.wait_until_ready()
        self.quiet()

    # The processes

    @property
    def worker(self) -> Process:
        return self.application.process("worker")

    @property
    def web(self) -> Process:
        return self.application.process("web")

    def children(self, process: Process) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]

    @contextmanager
    def worker_asleep(self) -> Iterator[None]:
        """The worker with its children stands still; what is sent to it waits."""
        tree = [self.worker.pid, *self.children(self.worker)]
        kill(tree, signal.SIGSTOP)
        try:
            yield
        finally:
            kill(tree, signal.SIGCONT)

    @contextmanager
    def database_still(self) -> Iterator[None]:
        """PostgreSQL with all its sessions stands still: connections are taken, nothing is answered."""
        postgres = self.postgres.process
        tree = [postgres.pid, *self.children(postgres)]
        kill(tree, signal.SIGSTOP)
        try:
            yield
        finally:
            kill(tree, signal.SIGCONT)

    def another(self, command: str, *, name: str, module: str = "", **environment: str) -> Process:
        """One more process of the product, of this site; `module` runs it with more than the product knows."""
        what = ["-m", module] if module else ["manage.py"]
        words = command.split()
        ours = {"WORKER_READY_FILE": str(self.var / f"{name}.ready")} | environment
        return Process(
            name,
            [sys.executable, *what, *words],
            log=self.var / "log" / f"{name}.log",
            env=os.environ | self.environment | ours,
            cwd=ROOT,
        )

    def wait_until_working(self, worker: Process) -> None:
        worker.wait_until((self.var / f"{worker.name}.ready").exists, within=30)

    def broker(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=self._broker_socket, socket_timeout=5)

    # The rows

    def rows(self, sql: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def value(self, sql: str, *values: Any) -> Any:
        return self.rows(sql, *values)[0][0]

    @contextmanager
    def locked(self, sql: str, *values: Any) -> Iterator[None]:
        """Hold what this statement locks, until the end of the block."""
        with psycopg.connect(self.postgres.url) as connection:
            connection.execute(sql, values)
            yield
            connection.rollback()

    def somebody_waits(self, count: int = 1) -> None:
        """Until so many sessions wait for a lock: there, and nowhere else, their processes are now."""
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        eventually(lambda: self.value(waiting) >= count, within=10)

    def claimed(self, count: int) -> list[str]:
        """The keys of so many payments that wait for a decision, each of another customer."""
        waiting = "SELECT id::text FROM core_payment WHERE status = 'pending_approval' ORDER BY id LIMIT %s"
        if len(self.rows(waiting, count)) < count:
            self.in_the_product(f"claim({max(count, 60)})")
            self.quiet()
        return [row[0] for row in self.rows(waiting, count)]

    def quiet(self, *, within: float = 30) -> None:
        """Until nothing is under way any more."""
        under_way = f"SELECT count(*) FROM engine_effect WHERE {UNDER_WAY}"
        eventually(lambda: not self.value(under_way), within=within)

    # The door

    def approve(self, payment: str, *, at: str = "", wait: int = 0) -> httpx.Response:
        return self._post(f"billing/admin/payments/{payment}/approve/", at or self.application.url, wait=wait)

    def approve_all(self, payments: Sequence[str], *, at: str = "") -> None:
        for payment in payments:
            answer = self.approve(payment, at=at)
            assert answer.status_code in {200, 202}, answer.text

    def sign_in(self) -> None:
        answer = http_post(f"{self.application.url}/api/v1/auth/login/", json=APPROVER, timeout=20)
        assert answer.status_code == 200, answer.text
        self._token = answer.json()["token"]

    def _post(self, path: str, url: str, *, wait: int = 0) -> httpx.Response:
        if not self._token:
            self.sign_in()
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Prefer": f"wait={wait}"} if wait else {})
        return http_post(f"{url}/api/v1/{path}", json={}, headers=headers, timeout=20 + wait)

    def in_the_product(self, call: str) -> None:
        self.application.command(
            "shell", "--no-imports", "-v0", "--command", f"from tests.faults.data import *; {call}"
        )

    # What came of it

    def settled(self, payments: Sequence[str], *, within: float) -> float:
        """Seconds until all of these have succeeded and everybody has been told."""
        started = time.monotonic()
        open_payments = "SELECT count(*) FROM core_payment WHERE id = ANY(%s::uuid[]) AND status <> 'succeeded'"
        eventually(lambda: self.value(open_payments, list(payments)) == 0, within=within)
        self.quiet(within=within)
        return time.monotonic() - started

    def must_be_whole(self, payments: Sequence[str], *, attempts: int = 1) -> None:
        """Nothing lost, nothing doubled, every invariant true, and no effect charged more than so many attempts."""
        assert self.findings() == []
        effects = self.rows(
            """SELECT kind, state, attempts, id::text FROM engine_effect
               WHERE object_id = ANY(%s::uuid[]) AND kind IN ('payment.settle', 'mail.payment_approved')""",
            list(payments),
        )
        assert sorted(row[0] for row in effects) == ["mail.payment_approved"] * len(payments) + [
            "payment.settle"
        ] * len(payments)
        assert {row[1] for row in effects} == {"done"}
        assert max(row[2] for row in effects) <= attempts
        mails = {f"{row[3]}.eml" for row in effects if row[0] == "mail.payment_approved"}
        assert mails <= set(os.listdir(self.mail))

    def findings(self) -> list[str]:
        with psycopg.connect(self.postgres.url) as connection:
            return list(findings(connection.cursor()))


def eventually(look: Callable[[], T], *, within: float) -> T:
    """What `look` sees as soon as it is something; a database that is away is nothing yet."""
    deadline = time.monotonic() + within
    while True:
        with suppress(psycopg.OperationalError):
            if seen := look():
                return seen
        assert time.monotonic() < deadline, f"it did not happen within {within:.0f} s"
        time.sleep(0.05)


def say(case: str, **figures: object) -> None:
    """Figures, shown with -s."""
    words = ", ".join(
        f"{name.replace('_', ' ')} {value:.2f}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in figures.items()
    )
    sys.stdout.write(f"\n  {case}: {words}\n")


def kill(pids: Sequence[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
