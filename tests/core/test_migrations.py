"""An upgrade does not stop a running installation: what a migration may do, and how long it may wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.transaction import atomic

from core.management.commands import migrate

# Of the first release: they make tables that nobody uses yet.
FIRST = {"core.0001_users", "engine.0001_engine", "core.0002_billing", "core.0003_sql_guards_and_views"}
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
def sql_of(django_db_setup, django_db_blocker) -> Callable[[str, str], str]:
    """Of a migration of ours, without its transaction; with no transaction of a test around it."""

    def read(app: str, name: str) -> str:
        out = StringIO()
        with django_db_blocker.unblock():
            call_command("sqlmigrate", app, name, stdout=out)
            connection.close()
        return out.getvalue().replace("BEGIN;", "").replace("COMMIT;", "")

    return read


def test_no_migration_after_the_first_release_locks_a_table_that_is_in_use(sql_of, tmp_path):
    ours = {key: one for key, one in MigrationLoader(None).disk_migrations.items() if key[0] in {"core", "engine"}}
    later = {key: one for key, one in ours.items() if ".".join(key) not in FIRST}

    assert {".".join(key) for key in ours} >= FIRST
    for key, one in later.items():
        assert not complaints(sql_of(*key), tmp_path, in_transaction=one.atomic), key


@pytest.mark.django_db
def test_database_from_before_the_first_release_is_refused_by_name():
    """Its tables have the same names: nothing of it may be taken for the new ones."""
    first = import_module("core.migrations.0001_users")
    MigrationRecorder(connection).record_applied("core", "0101_engine_apart")

    with (
        connection.schema_editor() as editor,
        pytest.raises(CommandError, match=r"core\.0101_engine_apart.*make reset"),
    ):
        first.refuse_older_database(None, editor)


@pytest.mark.parametrize("case", UNSAFE)
def test_the_linter_knows_what_is_not_safe(case, tmp_path):
    assert complaints(UNSAFE[case], tmp_path)


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
            cursor.execute("LOCK TABLE engine_scheduledrun IN ACCESS EXCLUSIVE MODE")
            held.set()
            free.wait(10)
        connection.close()

    def run(self, *args, **options):
        tried.append(1)
        if len(tried) == 2:
            free.set()
            holder.join()
        with atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE engine_scheduledrun IN ACCESS EXCLUSIVE MODE")

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
