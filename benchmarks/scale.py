"""The same work in three databases that differ only in how much history they hold."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.idle import Server
from benchmarks.report import Figure, ratio, say
from benchmarks.rig import Inside, Rig, rig
from benchmarks.stock import Stock

SIZES = (10_000, 100_000, 1_000_000)
DUE = 100
# All; and those without transaction control and the server's own checks of foreign keys.
STATEMENTS = r"""
    SELECT coalesce(sum(calls), 0)::int, coalesce(sum(calls) FILTER (
        WHERE query ~* '^(begin|commit|savepoint|release|rollback|set )'
            OR query ~ '^SELECT (1|\$[0-9]+) FROM ONLY '), 0)::int
    FROM pg_stat_statements WHERE toplevel AND userid = 'countersign'::regrole"""


def run(*, rounds: int = 5, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    with rig() as h, ExitStack() as running:
        h.prepare()
        stock, stocks = Stock(h), {}
        claims = rounds * (DUE + 20) + 500
        for size in sizes:
            started = time.monotonic()
            stocks[size] = stock.in_copy(f"with_{size}")
            stocks[size].add_history(size)
            stocks[size].add(claims)
            stocks[size].tidy()
            say(f"{size:,} invoices after {time.monotonic() - started:.0f} s: {_rows(h.owner(f'with_{size}'))}")
        insides = {size: running.enter_context(h.inside(f"with_{size}")) for size in sizes}
        figures = _growth(h, stocks, insides, rounds)
        last = sizes[-1]
        return figures + _api(h, stocks[last], insides[last], running, claims)


def _growth(h: Rig, stocks: dict[int, Stock], insides: dict[int, Inside], rounds: int) -> list[Figure]:
    """Every database in turn. PostgreSQL's touched pages do not depend on what else the machine does."""
    taken: dict[str, dict[int, list[float]]] = {}
    touched: dict[str, dict[int, list[float]]] = {}
    watchers = {size: h.owner(stock.database) for size, stock in stocks.items()}
    for number in range(rounds):
        for size, inside in insides.items():
            stock = stocks[size]
            first = number * (DUE + 20) + 1
            claims = {"base": stock.base, "tail": stock.tail, "first": first, "count": 20}
            invoices = {"base": stock.base, "tail": stock.invoice_tail, "first": first + 20, "count": DUE}
            stock.make_late(first + 20, DUE)
            queue = "billing/admin/payments/"
            work: dict[str, dict[str, Any]] = {
                "one settlement": {"what": "settlements", **claims},
                "a reminder round with 100 due": {"what": "reminders", **invoices},
                "a page of the queue": {"what": "pages", "path": f"{queue}?status=pending_approval"},
                "a page of all payments": {"what": "pages", "path": queue},
                "a balance": {"what": "pages", "path": "billing/balance/", "account": stock.settled["account"]},
            }
            for name, order in work.items():
                before = _pages(watchers[size])
                values = inside.ask(**order)
                pages = (_pages(watchers[size]) - before) / len(values)
                taken.setdefault(name, {}).setdefault(size, []).append(statistics.median(values))
                touched.setdefault(name, {}).setdefault(size, []).append(pages)
        say(f"growth, round {number + 1}: " + ", ".join(f"{what} {_medians(taken[what])}" for what in taken))
    figures = []
    first, last = min(insides), max(insides)
    for name in taken:
        growth = ratio(taken[name][last], taken[name][first])
        pages = " to ".join(f"{statistics.median(touched[name][size]):.0f}" for size in (first, last))
        what = f"{name}, {first:,} to {last:,} invoices"
        figures.append(Figure(f"growth of {what}", "<= 1.2", growth, "x", growth <= 1.2))
        figures.append(
            Figure("  pages touched", "", ratio(touched[name][last], touched[name][first]), "x", None, pages)
        )
    return figures


def _pages(db: psycopg.Connection) -> int:
    row = db.execute(
        """SELECT coalesce(sum(shared_blks_hit + shared_blks_read), 0)::bigint FROM pg_stat_statements AS s
           JOIN pg_database AS d ON d.oid = s.dbid
           WHERE toplevel AND userid = 'countersign'::regrole AND datname = current_database()"""
    ).fetchone()
    assert row is not None
    return int(row[0])


def _api(h: Rig, stock: Stock, inside: Inside, running: ExitStack, claims: int) -> list[Figure]:
    """Server time and SQL of three requests, in turn with an empty view."""
    server = running.enter_context(Server(h, stock.database))
    db = h.owner(stock.database)
    caller = Caller(server.port, inside.ask("token"))
    owner = Caller(server.port, inside.ask("token", account=stock.settled["account"]))
    first = claims - 400
    payments = [str(UUID(f"{stock.base + n:012x}{stock.tail}")) for n in range(first, first + 60)]
    invoices = [_open_invoice(db, stock)] * 60

    def confirm(number: int) -> tuple[float, int]:
        body = {
            "invoice_id": invoices[number],
            "payment_method": "us_bank",
            "amount": "89.00",
            "manual_reference": f"BENCH {number}",
        }
        return owner.post("billing/admin/payments/confirm/", body)

    requests = {
        "an empty view": lambda _: caller.get("bench/empty/"),
        "approve": lambda number: caller.post(f"billing/admin/payments/{payments[number]}/approve/", {}),
        "confirm": confirm,
        "a list page of 25": lambda _: caller.get("billing/admin/payments/"),
    }
    times: dict[str, list[float]] = {name: [] for name in requests}
    counts: dict[str, tuple[int, int]] = {}
    for number in range(60):
        for name, ask in requests.items():
            before = db.execute(STATEMENTS).fetchone()
            milliseconds, status = ask(number)
            after = db.execute(STATEMENTS).fetchone()
            assert status < 300, f"{name}: {status}"
            assert before is not None
            assert after is not None
            if number >= 10:  # the first ones warm
                times[name].append(milliseconds)
                counts[name] = (after[0] - before[0], after[1] - before[1])
    figures = []
    empty = statistics.median(times["an empty view"])
    for name, limit in {"approve": 5.0, "confirm": 5.0, "a list page of 25": 3.0}.items():
        total, control = counts[name]
        share = statistics.median(times[name]) / empty
        figures += [
            Figure(f"API, {name}: statements", "<= 12", total - control, "", total - control <= 12),
            Figure(f"API, {name}: of an empty view's {empty:.2f} ms", f"<= {limit:.0f}", share, "x", share <= limit),
        ]
    return figures


class Caller:
    """A kept connection with a token; answers are the server's own time in ms, and the status."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def get(self, path: str) -> tuple[float, int]:
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> tuple[float, int]:
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> tuple[float, int]:
        self._connection.request(method, f"/api/v1/{path}", body, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        return float(answer.headers["Server-Timing"].partition("dur=")[2]), answer.status


def _open_invoice(db: psycopg.Connection, stock: Stock) -> str:
    """An invoice of the settled customer that takes money without end."""
    db.execute("SET session_replication_role = replica")
    row = db.execute(
        """INSERT INTO core_invoice SELECT (jsonb_populate_record(i, jsonb_build_object('id', uuidv7(), 'number', 'B-1',
               'status', 'pending', 'allocated', 0, 'version', 2,
               'payment_reference', countersign_new_reference()))).* FROM core_invoice AS i WHERE id = %s
           RETURNING id""",
        [stock.settled["invoice"]],
    ).fetchone()
    assert row is not None
    return str(row[0])


def _medians(by_size: dict[int, list[float]]) -> str:
    return "/".join(f"{statistics.median(values):.1f}" for values in by_size.values()) + " ms"


def _rows(db: psycopg.Connection) -> str:
    tables = {"transitions": "engine_transition", "effects": "engine_effect", "credit entries": "core_creditentry"}
    counts = {
        name: db.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table]).fetchone()
        for name, table in tables.items()
    }
    return ", ".join(f"{count[0]:,} {name}" for name, count in counts.items() if count)
