from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from stack.drill import Database
from stack.postgres import Postgres
from stack.sockets import runtime_folder
from tests.stack.test_drill import run

pytestmark = [pytest.mark.timeout(900), pytest.mark.faults]

STATES = "SELECT id || state FROM engine_effect ORDER BY id"


def test_drill_restores_a_copy_and_finds_faults(tmp_path: Path):
    with runtime_folder() as folder:
        postgres = Postgres(folder / "data", sockets=folder, log=folder / "log", throwaway=True)
        with postgres:
            mine = Database(tmp_path, postgres.url)
            mine.manage("migrate", "--noinput", "-v0")
            mine.manage("seed_demo", "--without-stories")
            before = mine.ask(STATES)

            whole = run(DATABASE_URL=postgres.url, EMAIL_URL="smtp://nobody.invalid:25")
            after = mine.ask(STATES)
            root = postgres.url.replace("//countersign@", "//postgres@")
            with psycopg.connect(root, autocommit=True) as connection:
                connection.execute("SET session_replication_role = replica")
                connection.execute("UPDATE core_account SET credits = credits + 1")
            broken = run(DATABASE_URL=postgres.url)

    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert before == after != []
    assert broken.returncode == 1
    assert "NOT SO: an account has the credits that its entries add up to" in broken.stdout
