"""The whole application beside the test: web, worker, beat, PostgreSQL and Valkey as processes, mails as files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from stack.application import Application
from stack.ports import free_port


@contextmanager
def running_application(var: Path, name: str, *, broker: int, **more: str) -> Iterator[Application]:
    """The processes on an empty database of that name, with the demo's rows; mails lie in `var / "mail"`.

    more: what else stands in their environment.
    """
    database = f"{name}_{os.getpid()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    port = free_port()
    environment = {
        "DATABASE_URL": re.sub(r"/countersign\?", f"/{database}?", os.environ["DATABASE_URL"]),
        "BROKER_URL": re.sub(r"virtual_host=\d+", f"virtual_host={broker}", os.environ["BROKER_URL"]),
        "DEBUG": "true",
        "MAIL_DIR": str(var / "mail"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        **more,
    }
    application = Application(var, port=port, environment=environment)
    application.prepare()
    with application.running():
        yield application


def reviewers_have_heard_of_nothing(application: Application) -> None:
    """So that they hear of the next claim at once: what other tests claimed is a quarter of an hour ago."""
    with psycopg.connect(application.database_url, autocommit=True) as database:
        database.execute("DELETE FROM engine_scheduledrun WHERE schedule = 'reviewers told'")
