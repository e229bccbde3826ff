"""No-op effects of 200 tenants, executed by two children of the real worker."""

from __future__ import annotations

import statistics
import time
from uuid import uuid4

import psycopg

from benchmarks.report import Figure, say
from benchmarks.rig import SQL, rig

TENANTS = 200
KINDS = {"bench.one": "inward", "bench.batch": "inward", "bench.outside": "outward"}

INSERT = """
    INSERT INTO engine_effect (id, account_id, machine, seq, key, kind, revision, payload, lane, ordered, state, run_at,
        fence, attempts, crashes, solo, last_error)
    SELECT uuidv7(), ('00000000-0000-4000-8000-' || lpad((n %% %(tenants)s)::text, 12, '0'))::uuid, '', 0,
        %(run)s || ':' || n, %(kind)s, 1, '{}', %(lane)s, false, 'ready', now(), 0, 0, 0, false, ''
    FROM generate_series(1, %(count)s) AS n"""
SPAN = """
    SELECT count(*), extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float
    FROM engine_effect WHERE state = 'done' AND key LIKE %(run)s || ':%%'"""


def run(*, rounds: int = 5, count: int = 10_000) -> list[Figure]:
    with rig() as h:
        h.prepare()
        db = h.connect()
        db.execute("CREATE TABLE bench_bare AS SELECT n AS id, 0 AS done FROM generate_series(1, 20000) AS n")
        db.execute("ALTER TABLE bench_bare ADD PRIMARY KEY (id)")
        bare = []
        with h.inside() as inside, h.worker():
            rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
            for number in range(rounds + 1):
                for kind, lane in KINDS.items():
                    label = str(uuid4())
                    row = {"tenants": TENANTS, "run": label, "kind": kind, "lane": lane, "count": count}
                    db.execute(INSERT, row)
                    db.execute("ANALYZE engine_effect")
                    started = time.time()
                    inside.ask("notify", count=count)
                    rate = count / (_over(db, label, count) - started)
                    if number:  # the first round warms
                        rates[kind].append(rate)
                if number:
                    each = count // 2
                    values = {"i": 0, "each_of_them": each}
                    bare.append(h.pgbench(SQL / "bare.pgbench", clients=2, each=each, values=values))
            say("effects a second: " + ", ".join(f"{kind} {statistics.median(r):.0f}" for kind, r in rates.items()))
    figures = []
    for kind, what in {
        "bench.one": "no-op effects a second, each its own commit",
        "bench.batch": "no-op effects a second, in batches",
        "bench.outside": "no-op effects a second, external",
    }.items():
        rate = statistics.median(rates[kind])
        figures.append(Figure(what, ">= 2,500", rate, "/s", rate >= 2500))
    commits = statistics.median(bare)
    figures.append(Figure("commits of one row a second that two sessions of pgbench make", "", commits, "/s", None))
    return figures


def _over(db: psycopg.Connection, run: str, count: int) -> float:
    """By the database's clock, which is this machine's."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if db.execute("SELECT EXISTS (SELECT FROM engine_effect WHERE state IN ('ready', 'leased'))").fetchone() == (
            False,
        ):
            done, at = db.execute(SPAN, {"run": run}).fetchone() or (0, 0.0)
            assert done == count, f"{done} of {count} effects were done"
            return float(at)
        time.sleep(0.05)
    raise TimeoutError("the effects are not done")
