"""DBOS Transact: a workflow for each settlement, enqueued in the approving transaction.

Its steps are transactions of its datasource, so that checkpoints commit with the rows. SQL and isolation are the
other peers'. `python -m benchmarks.peers.durable` approves; `... worker` is a worker process.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource

from benchmarks.json_command_loop import answer_commands

URL = os.environ["SQLALCHEMY_URL"]
THREADS = 16
CONFIG = {"name": "bench", "system_database_url": URL, "application_version": "1", "log_level": "ERROR"}


def worker() -> None:
    DBOS(config={**CONFIG, "sys_db_pool_size": 20, "executor_id": os.environ["BENCH_EXECUTOR"]})
    source = SQLAlchemyDatasource.create(URL, engine_kwargs={"pool_size": 20}, run_migrations=False)

    @source.transaction(isolation_level="READ COMMITTED")
    def settle_step(n: int) -> None:
        source.sql_session().execute(sa.text("SELECT bench_settle(:n)"), {"n": n})

    @source.transaction(isolation_level="READ COMMITTED")
    def mail_step(n: int) -> None:
        source.sql_session().execute(sa.text("SELECT bench_mail(:n)"), {"n": n})

    @source.transaction(isolation_level="READ COMMITTED")
    def plan_step(n: int) -> None:
        source.sql_session().execute(sa.text("SELECT bench_plan(:n)"), {"n": n})

    @DBOS.workflow(name="settle")
    def settle(n: int) -> None:
        settle_step(n)
        mail_step(n)
        plan_step(n)

    DBOS.launch()
    DBOS.register_queue("settle", worker_concurrency=THREADS, polling_interval_sec=0.05)
    Path(os.environ["WORKER_READY_FILE"]).write_text("")
    threading.Event().wait()


def prepare() -> dict:
    DBOS(config={**CONFIG, "run_migrations": True})
    SQLAlchemyDatasource.migrate(URL)
    DBOS.launch()
    DBOS.register_queue("settle", worker_concurrency=THREADS, polling_interval_sec=0.05)
    DBOS.destroy()
    return {}


def approve(first: int, count: int, rate: float = 0) -> dict[str, float]:
    engine = sa.create_engine(URL)
    client = DBOSClient(system_database_url=URL, application_name="bench")
    options = {"workflow_name": "settle", "queue_name": "settle", "app_version": "1"}
    started, used = time.monotonic(), time.process_time()
    for done, n in enumerate(range(first, first + count)):
        if rate:
            time.sleep(max(0.0, started + done / rate - time.monotonic()))
        with engine.begin() as db:
            db.execute(sa.text("SELECT bench_approve(:n)"), {"n": n})
            client.enqueue_in_transaction(db, {**options, "workflow_id": f"settle-{n}"}, n)
    return {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        worker()
    else:
        answer_commands(prepare=prepare, approve=approve)
