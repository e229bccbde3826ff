"""The whole application beside the test: web, worker, beat, PostgreSQL and Valkey as processes, mails as files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from stack.application import Application
from stack.ports import free_port

# Migrated, with the demo's rows: made once in a run of pytest, and copied, which takes 0.2 s instead of 10.
PREPARED = f"prepared_{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"


@contextmanager
def running_application(var: Path, name: str, *, broker: int, **more: str) -> Iterator[Application]:
    """The processes on a database of that name, with the demo's rows; mails lie in `var / "mail"`.

    more: what else stands in their environment.
    """
    database = f"{name}_{os.getpid()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        _prepare(connection, var)
        connection.execute(f"CREATE DATABASE {database} TEMPLATE {PREPARED}")
    port = free_port()
    environment = {
        "DATABASE_URL": _url_of(database),
        "BROKER_URL": re.sub(r"virtual_host=\d+", f"virtual_host={broker}", os.environ["BROKER_URL"]),
        "DEBUG": "true",
        "MAIL_DIR": str(var / "mail"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        **more,
    }
    with Application(var, port=port, environment=environment).running() as application:
        yield application


def _prepare(connection: psycopg.Connection[Any], var: Path) -> None:
    connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [PREPARED])  # until it is closed: one process makes it
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [PREPARED]).fetchone():
        return
    unfinished = f"{PREPARED}_unfinished"
    connection.execute(f"DROP DATABASE IF EXISTS {unfinished}")
    connection.execute(f"CREATE DATABASE {unfinished}")
    environment = {"DATABASE_URL": _url_of(unfinished), "DEBUG": "true", "MAIL_DIR": str(var / "mail")}
    Application(var / "prepared", port=free_port(), environment=environment).prepare()
    connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {PREPARED}")


def _url_of(database: str) -> str:
    return re.sub(r"/countersign\?", f"/{database}?", os.environ["DATABASE_URL"])


def reviewers_have_heard_of_nothing(application: Application) -> None:
    """So that they hear of the next claim at once: what other tests claimed is a quarter of an hour ago."""
    with psycopg.connect(application.database_url, autocommit=True) as database:
        database.execute("DELETE FROM engine_scheduledrun WHERE schedule = 'reviewers told'")
