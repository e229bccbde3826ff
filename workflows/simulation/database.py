from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django.core.management import call_command
from django.db import connection

MARK = "simulation_scratch"  # a schema that only a database made here has


class NotScratch(Exception):  # noqa: N818 - a mistake of the caller, not a Problem
    """The database in use was not made for a simulation."""


@contextmanager
def scratch_database(*, template: str | None = None) -> Iterator[str]:
    """Yields its name. template: an unused database to copy; None: it is migrated.

    The configured role must be allowed to create databases.
    """
    configured = connection.settings_dict["NAME"]
    if connection.in_atomic_block:
        raise NotScratch("A simulation cannot change its database inside a transaction.")
    name = f"{configured}_simulation_{uuid4().hex[:8]}"
    connection.close()
    _as_server(f"CREATE DATABASE {_quoted(name)}" + (f" TEMPLATE {_quoted(template)}" if template else ""))
    _as_server(f"ALTER DATABASE {_quoted(name)} SET jit = off")  # the laws are many small queries
    try:
        connection.settings_dict["NAME"] = name
        if template is None:
            call_command("migrate", verbosity=0, interactive=False)
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE SCHEMA {MARK}")
        yield name
    finally:
        connection.close()
        connection.settings_dict["NAME"] = configured
        _as_server(f"DROP DATABASE {_quoted(name)}")


def check_scratch() -> None:
    """Raises NotScratch."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), to_regnamespace(%s) IS NOT NULL", [MARK])
        name, is_marked = cursor.fetchone()
    if not is_marked:
        raise NotScratch(f"The database {name} was not made for a simulation, and is left alone.")


def _as_server(sql: str) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
