"""The plugin: one database server for all test processes, a broker for each."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.stack.conftest import REPOSITORY

INNER = """
import os, psycopg, pytest

@pytest.mark.parametrize("number", range(2))
def test_services(number, worker_id):
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("SELECT 1")
    with open("seen", "a") as seen:
        print(worker_id, os.environ["DATABASE_URL"], os.environ["BROKER_URL"], file=seen)
"""


def test_xdist_workers_share_the_server_and_not_the_broker(tmp_path):
    (tmp_path / "test_inner.py").write_text(INNER)
    options = [
        "-p",
        "stack.pytest_services",
        "-p",
        "no:django",
        "-p",
        "no:valkey",
        "-n",
        "2",
        "--dist",
        "each",
    ]
    outside = {"DATABASE_URL", "BROKER_URL", "PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"}
    environment = {name: value for name, value in os.environ.items() if name not in outside}

    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
        capture_output=True,
    )

    seen = {tuple(line.split()) for line in (tmp_path / "seen").read_text().splitlines()}
    assert len({database for _, database, _ in seen}) == 1
    assert sorted(broker.rpartition("=")[2] for _, _, broker in seen) == ["1", "2"]
    folder = next(iter(seen))[1].partition("host=")[2].removesuffix("/postgres")
    assert not os.path.exists(folder)
