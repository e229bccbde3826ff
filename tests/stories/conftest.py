"""The whole house beside the test: web, worker, beat, PostgreSQL and Valkey as processes, mails as files."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.application import Application
from tests.stories.house import House


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    var = tmp_path_factory.mktemp("house")
    database = f"stories_{os.getpid()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    environment = {
        "DATABASE_URL": re.sub(r"/countersign\?", f"/{database}?", os.environ["DATABASE_URL"]),
        "BROKER_URL": re.sub(r"virtual_host=\d+", "virtual_host=15", os.environ["BROKER_URL"]),
        "DEBUG": "true",
        "MAIL_DIR": str(var / "mail"),
    }
    application = Application(var, port=_free_port(), environment=environment)
    application.prepare()
    with application.running():
        yield application


@pytest.fixture
def house(application: Application) -> Iterator[House]:
    with House(application.url, mail=Path(application.logs[0]).parents[1] / "mail") as house:
        yield house


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
