"""Settlements a second, what one costs, and how long it takes: the product beside the limit and two peers.

Mails are recorded by all of them and composed by none: what they cost is a figure of its own.

In every round each runs once, in turn; a ratio is taken within a round. A figure counts only after SQL has found
every claim of its run settled, notified and planned for, once.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.meter import cpu, wal
from benchmarks.report import Figure, ratio, say
from benchmarks.rig import ROOT, SQL, Inside, Rig, rig
from benchmarks.stock import Stock, verify
from stack.process import Process

# Ordered as the partial indexes are.
UNDER_WAY = """
    SELECT (SELECT true FROM engine_effect WHERE state = 'ready' ORDER BY lane, account_id, id LIMIT 1) IS NOT NULL
        OR (SELECT true FROM engine_effect WHERE state = 'leased' ORDER BY lease_until LIMIT 1) IS NOT NULL"""
SPAN = """
    SELECT extract(epoch FROM
        max(pg_xact_commit_timestamp(e.xmin)) - min(pg_xact_commit_timestamp(t.xmin)))::float
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    JOIN engine_transition AS t ON t.machine = 'payment' AND t.object_id = bench_payment(n) AND t.name = 'approve'
    JOIN engine_effect AS e ON e.account_id = t.account_id AND e.kind IN ('mail.payment_approved',
        'subscription.plan_renewal')"""
WAITS = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(s.xmin) - pg_xact_commit_timestamp(a.xmin))::float * 1000
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    JOIN engine_transition AS a ON a.machine = 'payment' AND a.object_id = bench_payment(n) AND a.name = 'approve'
    JOIN engine_transition AS s ON s.machine = 'payment' AND s.object_id = bench_payment(n) AND s.name = 'settle'"""

MAILS_AGAIN = """
    UPDATE engine_effect AS e SET state = 'ready', done_at = NULL, outcome = NULL, run_at = now()
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    WHERE e.key = 'payment:' || bench_payment(n) || ':3:mail.payment_approved' AND e.state = 'done'"""
MAILS_SENT = """
    SELECT count(*) FROM engine_effect AS e, generate_series(%(first)s::bigint, %(last)s::bigint) AS n
    WHERE e.key = 'payment:' || bench_payment(n) || ':3:mail.payment_approved' AND e.state = 'done'
        AND e.outcome ->> 'message_id' <> ''"""


@dataclass
class Run:
    rate: float  # settled and recorded a second; of `mails`: composed a second
    cpu: float  # milliseconds for each, of workers, PostgreSQL and broker
    wal: float  # bytes for each
    parts: dict[str, float] = field(default_factory=dict)  # of the processor time


class Course:
    """The services, the product and the peers, ready to run in turn."""

    def __init__(self, h: Rig, stock: Stock, running: ExitStack, *, mails: bool = True) -> None:
        self.rig, self.stock = h, stock
        self.db = h.owner()
        self.db.execute((SQL / "limit.sql").read_text())
        self.approvers = [running.enter_context(h.inside()) for _ in range(2)]
        self.worker = running.enter_context(h.worker(BENCH_WITHOUT_MAILS="" if mails else "1"))
        self.beat = running.enter_context(h.manage("beat"))
        self.settled = 1, 0  # the first claim and the number of those that `product` settled last
        self.mailer = self.worker if mails else running.enter_context(h.worker("mailer"))
        self.h_asleep([self.worker, self.beat, self.mailer])

    def h_asleep(self, processes: list[Process]) -> None:
        for process in processes:
            self.rig.asleep(process)

    @contextmanager
    def awake(self, *processes: Process) -> Iterator[None]:
        for process in processes:
            self.rig.awake(process)
        time.sleep(0.5)
        try:
            yield
        finally:
            self.h_asleep(list(processes))

    # The limit

    def limit(self, count: int, clients: int = 2) -> Run:
        first = self.stock.add(count)
        before = self._costs()
        values = {"i": first - clients, "clients": clients}
        rate = self.rig.pgbench(SQL / "limit.pgbench", clients=clients, each=count // clients, values=values)
        after = self._costs()
        verify(self.db, first, count)
        return self._run(rate, count, before, after)

    # The product

    def product(self, count: int, *, bulk: int = 0, approvers: int = 1) -> Run:
        first = self.stock.add(count)
        with self.awake(self.worker, self.beat):
            before = self._costs(worker=self.worker)
            for number, approver in enumerate(self.approvers[:approvers]):
                if bulk:
                    self._begin(approver, "approve_bulk", first, count, at_once=bulk)
                else:
                    self._begin(approver, "approve", first + number, count // approvers, stride=approvers)
            for approver in self.approvers[:approvers]:
                approver.answer()
            self._wait()
            after = self._costs(worker=self.worker)
        verify(self.db, first, count)
        self.settled = first, count
        return self._run(count / self._span(first, count), count, before, after)

    def mails(self) -> Run:
        """Of what `product` settled last: composed, built to the last byte and thrown away by two children."""
        first, count = self.settled
        span = {"first": first, "last": first + count - 1}
        with self.awake(self.mailer):
            before, started = self._costs(worker=self.mailer), time.monotonic()
            with self.db.transaction():
                self.db.execute("SET LOCAL session_replication_role = replica")
                self.db.execute(MAILS_AGAIN, span)
            self.approvers[0].ask("notify", count=10)
            self._wait()
            took, after = time.monotonic() - started, self._costs(worker=self.mailer)
        if (sent := self.db.execute(MAILS_SENT, span).fetchone()) != (count,):
            raise AssertionError(f"{sent} of {count} mails were composed")
        return self._run(count / took, count, before, after)

    def waits(self, seconds: int, rate: float = 20) -> list[float]:
        """Milliseconds from the commit of an approval to that of its settlement, at light load."""
        count = int(seconds * rate)
        first = self.stock.add(count)
        with self.awake(self.worker, self.beat):
            time.sleep(2)
            self._begin(self.approvers[0], "approve", first, count, rate=rate)
            self.approvers[0].answer()
            self._wait()
        verify(self.db, first, count)
        return [row[0] for row in self.db.execute(WAITS, {"first": first, "last": first + count - 1})]

    def _begin(self, approver: Inside, what: str, first: int, count: int, **values: Any) -> None:
        approver.begin(what, base=self.stock.base, tail=self.stock.tail, first=first, count=count, **values)

    def _span(self, first: int, count: int) -> float:
        row = self.db.execute(SPAN, {"first": first, "last": first + count - 1}).fetchone()
        assert row is not None
        return float(row[0])

    def _wait(self, within: float = 120) -> None:
        deadline = time.monotonic() + within
        while self.db.execute(UNDER_WAY).fetchone() == (True,):
            if time.monotonic() > deadline:
                raise TimeoutError("effects are still under way")
            time.sleep(0.02)

    # What it costs

    def _costs(self, *workers: Process, worker: Process | None = None) -> dict[str, float]:
        mine = [*workers, *([worker] if worker else [])]
        return {
            "workers": sum(cpu(process.pid) for process in mine),
            "postgres": cpu(self.rig.postgres.process.pid),
            "broker": cpu(self.rig.valkey.process.pid),
            "wal": wal(self.db),
        }

    def _run(self, rate: float, count: int, before: dict[str, float], after: dict[str, float]) -> Run:
        each = {name: (after[name] - before[name]) / count for name in before}
        parts = {name: each[name] * 1000 for name in ("workers", "postgres", "broker")}
        return Run(rate, sum(parts.values()), each["wal"], parts)


class Naive:
    """`keep`: connections stay open."""

    def __init__(self, course: Course, running: ExitStack, claims: int, *, keep: bool) -> None:
        self.course, h = course, course.rig
        name = "naive_keep" if keep else "naive"
        h.new_database(name)
        settings = h.environment(name, broker=2 if keep else 1) | {"BENCH_KEEP": "1" if keep else ""}
        self.approver = running.enter_context(Inside(settings, "benchmarks.peers.naive"))
        self.approver.ask("prepare", count=claims)
        command = [sys.executable, "-m", "benchmarks.peers.naive", "worker"]
        self.worker = running.enter_context(h.worker(name, command, **settings))
        h.asleep(self.worker)
        self.done = 0

    def run(self, count: int) -> Run:
        first = self.done + 1
        self.done += count
        with self.course.awake(self.worker):
            before = self.course._costs(self.worker)
            started = time.monotonic()
            self.approver.ask("approve", first=first, count=count)
            while not self.approver.ask("is_over", last=self.done):
                assert time.monotonic() < started + 120, "the naive form does not end"
                time.sleep(0.02)
            took = time.monotonic() - started
            after = self.course._costs(self.worker)
        if (settled := self.approver.ask("settled", first=first, count=count)) != count:
            raise AssertionError(f"the naive form settled {settled} of {count}")
        return self.course._run(count / took, count, before, after)


class Durable:
    def __init__(self, course: Course, running: ExitStack, python: Path) -> None:
        self.course, h = course, course.rig
        url = f"postgresql+psycopg://countersign@/countersign?host={h.sockets}"
        with course.rig.owner() as db:
            db.execute("GRANT CREATE ON DATABASE countersign TO countersign")
        settings = {"SQLALCHEMY_URL": url, "PYTHONPATH": str(ROOT)}
        self.approver = running.enter_context(Inside(settings, "benchmarks.peers.durable", str(python)))
        self.approver.ask("prepare")
        command = [str(python), "-m", "benchmarks.peers.durable", "worker"]
        self.workers = [
            running.enter_context(h.worker(f"dbos{number}", command, BENCH_EXECUTOR=str(number), **settings))
            for number in range(2)
        ]
        course.h_asleep(self.workers)

    def run(self, count: int) -> Run:
        first = self.course.stock.add(count)
        with self.course.awake(*self.workers):
            before = self.course._costs(*self.workers)
            self.approver.ask("approve", first=first, count=count)
            self.course._wait()
            after = self.course._costs(*self.workers)
        verify(self.course.db, first, count)
        return self.course._run(count / self.course._span(first, count), count, before, after)


def run(*, rounds: int = 5, count: int = 2000, peers: bool = True, approvers: int = 2) -> list[Figure]:
    with rig() as h, ExitStack() as running:
        h.prepare()
        stock = Stock(h)
        stock.add_history(20_000)
        course = Course(h, stock, running, mails=False)
        stock.tidy()
        few = max(50, count // 8)
        runs: dict[str, Callable[[], Run]] = {
            "limit": lambda: course.limit(count),
            "singles": lambda: course.product(count, approvers=approvers),
            "bulk": lambda: course.product(count, bulk=500),
            "mails": course.mails,  # of the bulk before it
        }
        if peers:
            claims = few * (rounds + 1)
            naive = Naive(course, running, claims, keep=False)
            keep = Naive(course, running, claims, keep=True)
            runs |= {"naive": lambda: naive.run(few), "naive, connections kept": lambda: keep.run(few)}
            if python := environment.dbos():
                dbos = Durable(course, running, python)
                runs["dbos"] = lambda: dbos.run(few)
        for go in runs.values():
            go()
        done: dict[str, list[Run]] = {name: [] for name in runs}
        for number in range(rounds):
            for name, go in runs.items():
                done[name].append(go())
            say(f"round {number + 1}: " + ", ".join(f"{name} {done[name][-1].rate:.0f}/s" for name in runs))
        figures = _figures(done)
        waits = course.waits(max(10, rounds * 6))
        p50, p99 = statistics.median(waits), statistics.quantiles(waits, n=100)[98]
        return [
            *figures,
            Figure("approve to settled at 20/s, p50", "<= 25 ms", p50, "ms", p50 <= 25),
            Figure("approve to settled at 20/s, p99", "<= 100 ms", p99, "ms", p99 <= 100),
        ]


def _figures(done: dict[str, list[Run]]) -> list[Figure]:
    def of(name: str, other: str, what: Callable[[Run], float] = lambda run: run.rate) -> float:
        return ratio([what(run) for run in done[name]], [what(run) for run in done[other]])

    used = statistics.median(run.cpu for run in done["singles"])
    singles, bulk = of("singles", "limit"), of("bulk", "limit")
    written = of("singles", "limit", lambda run: run.wal)
    composed = statistics.median(run.cpu for run in done["mails"])
    figures = [
        Figure("CPU of a mail", "<= 1.2 ms", composed, "ms", composed <= 1.2),
        Figure("singles, of the limit", ">= 0.8", singles, "x", singles >= 0.8),
        Figure("bulk of 500, of the limit", ">= 2.5", bulk, "x", bulk >= 2.5),
        Figure("CPU of a settlement, singles", "<= 1.5 ms", used, "ms", used <= 1.5),
        Figure("WAL of a settlement, of the limit's", "<= 1.5", written, "x", written <= 1.5),
    ]
    for peer in ("naive", "naive, connections kept", "dbos"):
        if peer in done:
            times = of("singles", peer)
            figures.append(Figure(f"singles, of {peer}", ">= 8", times, "x", times >= 8))
    if "naive" in done:
        share = of("singles", "naive", lambda run: run.cpu)
        figures.append(Figure("CPU of a settlement, of naive's", "<= 0.125", share, "x", share <= 0.125))
    for name, runs in done.items():
        parts = {part: statistics.median(run.parts[part] for run in runs) for part in runs[0].parts}
        figures.append(
            Figure(
                f"({name})",
                "",
                statistics.median(run.rate for run in runs),
                "/s",
                None,
                f"{statistics.median(run.cpu for run in runs):.2f} ms CPU ("
                + ", ".join(f"{part} {value:.2f}" for part, value in parts.items())
                + f"), {statistics.median(run.wal for run in runs):.0f} bytes of WAL",
            )
        )
    return figures
