"""What using credits costs: `python -m benchmarks.credits`, on a PostgreSQL that syncs to disk.

Fifty consumers at once, on one hot account and on a thousand, through workflows.actions.credits.consume, against a
bare conditional UPDATE of one row through plain psycopg, from as many threads of as many processes: in turn, for some
rounds. At the end SQL says whether every credit is accounted for.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import django
import psycopg

from stack.postgres import Postgres
from stack.sockets import runtime_folder

CONSUMERS, PROCESSES, ACCOUNTS = 50, 2, 1000
ROUNDS, SECONDS, WARM_UP = 5, 3.0, 0.5
WEALTH = 1_000_000_000
RESULT = Path("var/bench/credits.json")

BARE = "UPDATE bare SET credits = credits - 1 WHERE id = %s AND credits >= 1 RETURNING credits"
LEFT = {
    "spent through consume()": "SELECT -sum(amount) FROM core_creditentry WHERE kind = 'consume'",
    "missing in accounts": f"SELECT sum({WEALTH} - credits) FROM core_account",
    "accounts whose lines disagree": """
        SELECT count(*) FROM core_account AS account WHERE credits <>
            (SELECT sum(amount) FROM core_creditentry WHERE account_id = account.id)""",
    "spent by bare updates": f"SELECT sum({WEALTH} - credits) FROM bare",
}


def start_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.settings")
    os.environ.setdefault("DEBUG", "false")
    os.environ.setdefault("SECRET_KEY", "of-throwaway-services-and-no-secret-at-all")
    django.setup()


def prepare() -> list[UUID]:
    """A thousand rich accounts, and as many rows for the bare updates; the first is the hot one."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.transaction import atomic

    from core.models import Account
    from engine import create_many
    from workflows.settlement.credits import grant, post

    call_command("migrate", verbosity=0)
    accounts = [Account(name=f"Account {n}", status=Account.Status.TRIAL) for n in range(ACCOUNTS)]
    with atomic():
        create_many(accounts)
        post([grant(account, WEALTH, key="grant", description="", cause_id=None) for account in accounts])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM engine_effect")
        cursor.execute("CREATE TABLE bare AS SELECT id, credits FROM core_account")
        cursor.execute("ALTER TABLE bare ADD PRIMARY KEY (id)")
        cursor.execute("ANALYZE")
    connection.close()
    return [account.pk for account in accounts]


def consumer(how: str, seed: int) -> tuple[Callable[[UUID], Any], Callable[[], None]]:
    """What one thread repeats, and how it ends."""
    if how == "bare":
        connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        return lambda key: connection.execute(BARE, [key]).fetchone(), connection.close
    from django.db import connection as ours

    from core.models import Account
    from workflows.actions.credits import consume

    turns = iter(range(sys.maxsize))
    owner: Any = SimpleNamespace(role_in=lambda _: "owner")  # a request has read the role before
    return lambda key: consume(Account(pk=key), 1, reference=f"{seed}:{next(turns)}", by=owner), ours.close


def work(orders: Any, results: Any, keys: list[UUID]) -> None:
    """One process of consumers. orders: `(how, accounts, start)`; results: how many uses were done in time."""
    start_django()
    while (order := orders.get()) is not None:
        with ThreadPoolExecutor(CONSUMERS // PROCESSES) as threads:
            done = [threads.submit(use, keys, *order) for _ in range(CONSUMERS // PROCESSES)]
            results.put(sum(each.result() for each in done))


def use(keys: list[UUID], how: str, accounts: int, start: float) -> int:
    """As many uses as fit into the time, without those of the warm-up."""
    chance = random.Random()  # noqa: S311
    act, end = consumer(how, chance.getrandbits(60))
    act(keys[0])
    time.sleep(max(0, start - time.time()))
    first, last, done = start + WARM_UP, start + WARM_UP + SECONDS, 0
    while (now := time.time()) < last:
        act(keys[chance.randrange(accounts)])
        done += now > first
    end()
    return done


def measure(workers: list[Any], results: Any, how: str, accounts: int) -> float:
    start = time.time() + 1.5
    for orders in workers:
        orders.put((how, accounts, start))
    return sum(results.get() for _ in workers) / SECONDS


def main() -> None:
    with runtime_folder() as folder, Postgres(folder / "data", sockets=folder, log=folder / "log") as postgres:
        os.environ["DATABASE_URL"] = postgres.url
        start_django()
        keys = prepare()
        context = multiprocessing.get_context("spawn")
        results, workers = context.Queue(), [context.Queue() for _ in range(PROCESSES)]
        processes = [context.Process(target=work, args=(orders, results, keys)) for orders in workers]
        for process in processes:
            process.start()
        rates: dict[str, dict[str, list[float]]] = {}
        for _ in range(ROUNDS):
            for shape, accounts in (("one hot account", 1), (f"{ACCOUNTS} accounts", ACCOUNTS)):
                for how in ("bare", "consume"):
                    rates.setdefault(shape, {}).setdefault(how, []).append(measure(workers, results, how, accounts))
        for orders in workers:
            orders.put(None)
        for process in processes:
            process.join()
        report(rates, check(postgres.url))


def check(url: str) -> dict[str, int]:
    with psycopg.connect(url) as connection:
        return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in LEFT.items()}  # type: ignore[index]


def report(rates: dict[str, dict[str, list[float]]], left: dict[str, int]) -> None:
    table = {
        shape: {
            **{how: statistics.median(values) for how, values in found.items()},
            "ratio": statistics.median(c / b for b, c in zip(found["bare"], found["consume"], strict=True)),
            "worst ratio": min(c / b for b, c in zip(found["bare"], found["consume"], strict=True)),
        }
        for shape, found in rates.items()
    }
    sys.stdout.write(f"{CONSUMERS} consumers, medians of {ROUNDS} rounds of {SECONDS:.0f} s\n")
    sys.stdout.write(f"{'':18}{'bare/s':>10}{'consume/s':>12}{'ratio':>8}{'worst':>8}\n")
    for shape, row in table.items():
        figures = f"{row['bare']:10.0f}{row['consume']:12.0f}{row['ratio']:8.2f}{row['worst ratio']:8.2f}"
        sys.stdout.write(f"{shape:18}{figures}\n")
    sys.stdout.write("".join(f"{name}: {value}\n" for name, value in left.items()))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"medians": table, "rounds": rates, "end": left}, indent=2) + "\n")
    if left["spent through consume()"] != left["missing in accounts"] or left["accounts whose lines disagree"]:
        raise SystemExit("The ledger does not add up.")


if __name__ == "__main__":
    main()
