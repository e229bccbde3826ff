"""What a tenant that floods costs the others: `python -m stack run python -m benchmarks.fairness`.

Two processes execute no-op effects. The others record one every 20 ms, before and while 100,000 of one tenant are
ready.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from typing import Any
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
os.environ.setdefault("DEBUG", "true")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from engine import effect_handler, run_due  # noqa: E402

FLOOD, SAMPLES, EVERY = 100_000, 400, 0.02

INSERT = """
    INSERT INTO engine_effect (id, account_id, machine, seq, key, kind, revision, payload, lane, ordered, state, run_at,
        fence, attempts, crashes, solo, last_error)
    SELECT gen_random_uuid(), %(account)s, '', 0, %(account)s::text || n, 'bench.noop', 1, '{}', 'inward', false,
        'ready', now(), 0, 0, 0, false, ''
    FROM generate_series(1, %(count)s) AS n"""


@effect_handler("bench.noop", batch=100)
def noop(subjects: Any, effects: Any) -> None:
    """Nothing at all."""


def work(until: Any) -> None:
    while not until.is_set():
        if not run_due():
            time.sleep(0.005)


def record(account: UUID, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, {"account": account, "count": count})


def waits() -> list[float]:
    """Milliseconds from recorded to done, of tenants with one effect each."""
    accounts = [uuid4() for _ in range(SAMPLES)]
    for account in accounts:
        record(account, 1)
        time.sleep(EVERY)
    time.sleep(2)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM done_at - created_at) * 1000 FROM engine_effect WHERE account_id = ANY(%s)",
            [accounts],
        )
        return [float(row[0]) for row in cursor.fetchall()]


def main() -> None:
    call_command("migrate", verbosity=0)
    connection.close()
    stop = multiprocessing.get_context("spawn").Event()
    workers = [multiprocessing.get_context("spawn").Process(target=work, args=(stop,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    time.sleep(3)
    calm = waits()
    record(uuid4(), FLOOD)
    flooded = waits()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM engine_effect WHERE state = 'ready'")
        left = cursor.fetchone()[0]
    stop.set()
    for worker in workers:
        worker.join()
    for name, values in (("calm", calm), ("flooded", flooded)):
        p50, p99 = statistics.median(values), statistics.quantiles(values, n=100)[98]
        sys.stdout.write(f"{name}: {len(values)} effects, p50 {p50:.1f} ms, p99 {p99:.1f} ms\n")
    ratio = statistics.quantiles(flooded, n=100)[98] / statistics.quantiles(calm, n=100)[98]
    sys.stdout.write(f"p99 flooded / calm: {ratio:.2f}; of the flood {left} were left at the end\n")


if __name__ == "__main__":
    main()
