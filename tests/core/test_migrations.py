"""Whoever upgrades a house that is open keeps it open: what a migration may do, and how long it may wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.transaction import atomic

from core.management.commands import migrate

# They are from before the first release: no house had rows in these tables.
FIRST = "0001_initial"
UNRELEASED = {
    "0002_tenant_keys": "its foreign keys are checked while the tables are locked",
    "0009_invoice_draft_void": "its check reads all invoices while they are locked",
}
# What is a matter of taste, or seen to in another way: migrate sets lock_timeout, and is never half applied.
NOT_ASKED = (
    "prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-identity,prefer-robust-stmts,prefer-text-field,"
    "prefer-timestamp-tz,require-timeout-settings,ban-drop-not-null,require-enum-value-ordering"
)
SQUAWK = Path(sys.executable).with_name("squawk")

UNSAFE = {
    "an index that stops all writes": "CREATE INDEX i ON core_payment (reference);",
    "a column that old rows cannot have": "ALTER TABLE core_payment ADD COLUMN x int NOT NULL;",
    "a type that rewrites the table": "ALTER TABLE core_payment ALTER COLUMN notes TYPE varchar(10);",
    "a scan under lock for NOT NULL": "ALTER TABLE core_payment ALTER COLUMN paid_on SET NOT NULL;",
    "a check that reads all rows under lock": "ALTER TABLE core_payment ADD CONSTRAINT c CHECK (amount > 0);",
    "a key that reads all rows under lock": """ALTER TABLE core_payment ADD CONSTRAINT k
                                               FOREIGN KEY (invoice_id) REFERENCES core_invoice (id);""",
    "a unique index made under lock": "ALTER TABLE core_payment ADD CONSTRAINT u UNIQUE (reference);",
    "a column that running processes still read": "ALTER TABLE core_payment DROP COLUMN notes;",
    "a name that running processes still use": "ALTER TABLE core_payment RENAME COLUMN notes TO words;",
}


def complaints(sql: str, folder: Path, *, in_transaction: bool = True) -> str:
    """What the linter finds; empty when nothing."""
    file = folder / "migration.sql"
    file.write_text(sql)
    options = [f"--exclude={NOT_ASKED}", "--pg-version=15.0"]
    if in_transaction:
        options.append("--assume-in-transaction")
    done = subprocess.run([SQUAWK, *options, file], capture_output=True, text=True, timeout=60)
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout if done.returncode else ""


@pytest.fixture
def sql_of(django_db_setup, django_db_blocker) -> Callable[[str], str]:
    """Of a migration of ours, without its transaction; with no transaction of a test around it."""

    def read(name: str) -> str:
        out = StringIO()
        with django_db_blocker.unblock():
            call_command("sqlmigrate", "core", name, stdout=out)
            connection.close()
        return out.getvalue().replace("BEGIN;", "").replace("COMMIT;", "")

    return read


def released() -> list[str]:
    """The names of our migrations that a running house may have to take."""
    names = sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "core")
    return [name for name in names if name != FIRST and name not in UNRELEASED]


@pytest.mark.parametrize("name", released())
def test_a_migration_does_nothing_that_a_running_house_would_notice(name, sql_of, tmp_path):
    is_atomic = MigrationLoader(None).disk_migrations["core", name].atomic

    assert not complaints(sql_of(name), tmp_path, in_transaction=is_atomic)


@pytest.mark.parametrize("case", UNSAFE)
def test_the_linter_knows_what_is_not_safe(case, tmp_path):
    assert complaints(UNSAFE[case], tmp_path)


@pytest.mark.parametrize("name", UNRELEASED)
def test_an_exception_is_one(name, sql_of, tmp_path):
    assert complaints(sql_of(name), tmp_path)


@pytest.fixture
def locks(monkeypatch):
    """lock_timeout as the statements of a migration see it: (SQL, timeout)."""
    seen = []

    def run(self, *args, **options):
        for sql in ("SELECT 1", "CREATE INDEX CONCURRENTLY", "SELECT 2"):
            with connection.cursor() as cursor, connection.execute_wrapper(look(sql)):
                cursor.execute(sql)

    def look(sql):
        def answer(execute, *_):
            with connection.connection.cursor() as cursor:
                seen.append((sql, cursor.execute("SHOW lock_timeout").fetchone()[0]))

        return answer

    monkeypatch.setattr(migrate.Migrate, "handle", run)
    return seen


@pytest.mark.django_db
def test_a_statement_waits_for_a_moment_unless_it_keeps_nobody_waiting(locks):
    call_command("migrate", lock_timeout="2s")

    assert locks == [("SELECT 1", "2s"), ("CREATE INDEX CONCURRENTLY", "0"), ("SELECT 2", "2s")]
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone()[0] == "0"


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_locked_is_waited_for_in_turns(monkeypatch, capsys):
    tried, free = [], threading.Event()
    held = threading.Event()

    def hold():
        with atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE core_tick IN ACCESS EXCLUSIVE MODE")
            held.set()
            free.wait(10)
        connection.close()

    def run(self, *args, **options):
        tried.append(1)
        if len(tried) == 2:
            free.set()
            holder.join()
        with atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE core_tick IN ACCESS EXCLUSIVE MODE")

    monkeypatch.setattr(migrate.Migrate, "handle", run)
    monkeypatch.setattr(migrate, "PAUSE", 0.01)
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)

    call_command("migrate", lock_timeout="50ms", tries=2)

    assert len(tried) == 2
    assert "A table was locked for 50ms" in capsys.readouterr().out


@pytest.mark.django_db
def test_another_trouble_is_told_at_once(monkeypatch):
    tried = []

    def run(self, *args, **options):
        tried.append(1)
        raise OperationalError("no")

    monkeypatch.setattr(migrate.Migrate, "handle", run)

    with pytest.raises(OperationalError, match="no"):
        call_command("migrate")
    assert tried == [1]
