from __future__ import annotations

import time
import urllib.request
from contextlib import ExitStack
from typing import Self

from benchmarks.meter import cpu, memory, statements, tree
from benchmarks.report import Figure, say
from benchmarks.rig import Rig, rig
from benchmarks.settlement import Course
from benchmarks.stock import Stock
from stack.ports import free_port
from stack.process import Process


def idle(*, seconds: int = 60) -> list[Figure]:
    with rig() as h, ExitStack() as running:
        h.prepare()
        db = h.owner()
        processes = [running.enter_context(h.worker()), running.enter_context(h.manage("beat"))]
        processes.append(running.enter_context(Server(h)).process)
        time.sleep(10)
        roots = [process.pid for process in processes] + [h.postgres.process.pid, h.valkey.process.pid]
        asked, used, started = statements(db), sum(map(cpu, roots)), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - started
        rate, share = (statements(db) - asked) / lasted, (sum(map(cpu, roots)) - used) / lasted * 100
    return [
        Figure("idle: statements a second", "< 5", rate, "/s", rate < 5),
        Figure("idle: of one core", "< 2 %", share, "%", share < 2),
    ]


def kept(*, count: int = 10_000) -> list[Figure]:
    with rig() as h, ExitStack() as running:
        h.prepare()
        course = Course(h, Stock(h), running)
        server = running.enter_context(Server(h))
        sizes: list[tuple[float, float]] = []
        for part in (count // 5, count - count // 5):
            course.product(part)
            for _ in range(500):
                _get(server.port, "/readyz")
            sizes.append((_largest_child(course.worker), _largest_child(server.process)))
            say(f"memory: worker child {sizes[-1][0]:.0f} MB, web process {sizes[-1][1]:.0f} MB")
    (early, _), (late, page) = sizes
    return [
        Figure("memory: web process", "<= 180 MB", page, "MB", page <= 180),
        Figure(f"memory: worker child after {count:,} settlements", "<= 150 MB", late, "MB", late <= 150),
        Figure("memory: worker child, of that after a fifth", "<= 1.05", late / early, "x", late / early <= 1.05),
    ]


def held(*, seconds: int = 300, count: int = 2000) -> list[Figure]:
    """The rate while one long transaction keeps every dead row, as a share of the rate without it."""
    with rig() as h, ExitStack() as running:
        h.prepare()
        stock = Stock(h)
        stock.add_history(20_000)
        course = Course(h, stock, running)
        stock.tidy()
        course.product(count)
        free = sorted(course.product(count).rate for _ in range(3))[1]
        with h.owner() as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM engine_circuitbreaker")
            started, rates = time.monotonic(), []
            while time.monotonic() - started < seconds:
                rates.append(course.product(count).rate)
                say(f"held for {time.monotonic() - started:.0f} s: {rates[-1]:.0f}/s, free {free:.0f}/s")
        last = sorted(rates[-3:])[len(rates[-3:]) // 2]
    share = last / free
    name = f"held xmin for {seconds} s, {len(rates) * count:,} settlements: of the free rate"
    return [Figure(name, ">= 0.8", share, "x", share >= 0.8)]


class Server:
    def __init__(self, h: Rig, database: str = "countersign") -> None:
        self.port = free_port()
        self.process = h.manage("web", database=database, PORT=str(self.port), BIND="127.0.0.1", WEB_PROCESSES="1")

    def __enter__(self) -> Self:
        self.process.start()
        self.process.wait_until(lambda: _answers(self.process, self.port), within=60)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def _answers(process: Process, port: int) -> bool:
    process.must_live()
    try:
        return bool(_get(port, "/readyz"))
    except OSError:
        return False


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return bytes(answer.read())


def _largest_child(process: Process) -> float:
    return max(memory(pid) for pid in tree(process.pid) if pid != process.pid)
