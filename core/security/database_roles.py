"""The owner migrates, the app works, the audit role reads its views.

Triggers do not bind the owner of the tables, so production processes run as a role that owns nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from django.db.transaction import atomic

from core.http.health import new_connection
from engine.triggers import AppendOnly, NoDelete

logger = logging.getLogger(__name__)

SCHEMAS = "public, audit"
TABLES = "ALL TABLES IN SCHEMA"
OWNERS_FUNCTIONS = ("countersign_blank_log(int[])",)  # each with its owner's rights, for one thing that erasure needs


class RoleError(Exception):
    """A role must not be given these rights."""


def warn_if_privileged() -> None:
    """A database that does not answer delays the start by no more than its timeout."""
    if settings.DEBUG:
        return
    try:
        with new_connection() as fresh, fresh.cursor() as cursor:
            found = privilege_problem(cursor)
    except DatabaseError:
        return
    if found:
        logger.warning("%s See docs/operations.md, Roles.", found)


def privilege_problem(cursor: CursorWrapper) -> str:
    """Superuser or owner of the tables; empty if it is neither."""
    cursor.execute(
        """SELECT rolname, rolsuper, pg_has_role(oid, (SELECT relowner FROM pg_class
               WHERE oid = to_regclass('core_account')), 'MEMBER')
           FROM pg_roles WHERE rolname = current_user"""
    )
    name, is_superuser, is_owner = cursor.fetchone()
    if not (is_superuser or is_owner):
        return ""
    what = "is a superuser" if is_superuser else "owns the tables"
    return f"The role {name} of DATABASE_URL {what}: no guard of the database holds for it."


def grant_roles(app: str, audit: str) -> None:
    """In one transaction; idempotent. Raises RoleError.

    Run it after each migration: until then neither role can use a new table.
    """
    with atomic(), connection.cursor() as cursor:
        for role in (app, audit):
            _check(cursor, role)
        for statement in _statements(cursor, _name(app), _name(audit)):
            cursor.execute(statement)


def make_role(name: str, password: str) -> None:
    """The password may be empty. An existing role is not changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", [name])
        if cursor.rowcount:
            return
        cursor.execute("SELECT quote_literal(%s)", [password])
        secret = f" PASSWORD {cursor.fetchone()[0]}" if password else ""
        cursor.execute(f"CREATE ROLE {_name(name)} LOGIN{secret}")


def _check(cursor: CursorWrapper, role: str) -> None:
    cursor.execute(
        """SELECT rolsuper OR rolcreaterole OR rolbypassrls,
               pg_has_role(rolname, (SELECT relowner FROM pg_class WHERE oid = 'core_account'::regclass), 'MEMBER')
           FROM pg_roles WHERE rolname = %s""",
        [role],
    )
    found = cursor.fetchone()
    if found is None:
        raise RoleError(f"There is no role {role}: CREATE ROLE {_name(role)} LOGIN PASSWORD '...' first.")
    if found[0]:
        raise RoleError(f"{role} is a superuser or may make roles: no guard would hold for it.")
    if found[1]:
        raise RoleError(f"{role} is the owner of the tables or a member of it: no guard would hold for it.")


def _statements(cursor: CursorWrapper, app: str, audit: str) -> Iterator[str]:
    cursor.execute("SELECT current_database()")
    database = _name(cursor.fetchone()[0])
    # A temporary table with the name of one of ours would be found first, also by triggers.
    yield f"REVOKE TEMPORARY, CREATE ON DATABASE {database} FROM PUBLIC, {app}, {audit}"
    yield f"REVOKE CREATE ON SCHEMA {SCHEMAS} FROM PUBLIC, {app}, {audit}"
    for role in (app, audit):
        yield f"REVOKE ALL ON {TABLES} {SCHEMAS} FROM {role}"
        yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {SCHEMAS} FROM {role}"
        yield f"GRANT CONNECT ON DATABASE {database} TO {role}"
        yield f"GRANT USAGE ON SCHEMA audit TO {role}"
        yield f"GRANT SELECT ON {TABLES} audit TO {role}"
    yield f"REVOKE ALL ON SCHEMA public FROM {audit}"
    yield f"GRANT USAGE ON SCHEMA public TO {app}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLES} public TO {app}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app}"
    for table, words in _kept().items():
        yield f"REVOKE {words} ON {_name(table)} FROM {app}"
    for function in OWNERS_FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {app}"
        yield f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC, {audit}"


def _kept() -> dict[str, str]:
    """By table: what triggers refuse anyway, and what only migrations write."""
    kept = dict.fromkeys(("django_migrations", "auth_permission"), "INSERT, UPDATE, DELETE")
    kept["django_admin_log"] = "UPDATE, DELETE"
    for model in apps.get_models():
        if any(isinstance(each, AppendOnly) for each in model._meta.constraints):
            kept[model._meta.db_table] = "UPDATE, DELETE"
        elif any(isinstance(each, NoDelete) for each in model._meta.constraints):
            kept[model._meta.db_table] = "DELETE"
    return kept


def _name(word: str) -> str:
    return connection.ops.quote_name(word.replace('"', '""'))
