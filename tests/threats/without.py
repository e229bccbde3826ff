"""A plug-in of pytest that takes one guard away: `-p tests.threats.without --without NAME`.

NAME is a trigger, a constraint or an index of the database, which is dropped, or the dotted path of a function, which
lets everything pass: one that answers yes or no says yes, any other returns nothing.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.threats.marks import ROOT

_DROPS = """
    SELECT format('DROP TRIGGER %%I ON %%s', tgname, tgrelid::regclass) FROM pg_trigger WHERE tgname = %(name)s
    UNION ALL SELECT format('ALTER TABLE %%s DROP CONSTRAINT %%I CASCADE', conrelid::regclass, conname)
        FROM pg_constraint WHERE conname = %(name)s AND conrelid <> 0
    UNION ALL SELECT format('DROP INDEX %%I', relname) FROM pg_class
        WHERE relname = %(name)s AND relkind = 'i' AND oid NOT IN (SELECT conindid FROM pg_constraint)"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without", help="the guard that is taken away")


@pytest.fixture(autouse=True, scope="session")
def _without(request: pytest.FixtureRequest) -> Iterator[None]:
    guard = request.config.getoption("--without")
    if "." in guard:
        with pytest.MonkeyPatch.context() as patch:
            _let_pass(guard, patch)
            yield
        return
    request.getfixturevalue("django_db_setup")
    with request.getfixturevalue("django_db_blocker").unblock():
        _drop(guard)
    yield


def is_file(guard: str) -> bool:
    """Whether the guard is a line of a file that is no code: `docker-compose.yml: ports of web`."""
    return (ROOT / guard.split(":")[0].split(",")[0]).is_file()


def find(path: str) -> tuple[Any, str, Any]:
    """The module or class that holds what the path names, its name there, and itself."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            holder: Any = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:-1]:
            holder = getattr(holder, name)
        return holder, parts[-1], inspect.getattr_static(holder, parts[-1])
    raise ModuleNotFoundError(path)


def _let_pass(path: str, patch: pytest.MonkeyPatch) -> None:
    holder, name, guard = find(path)
    function = getattr(guard, "__func__", guard)
    answer = inspect.signature(function).return_annotation in ("bool", bool)

    def passes(*_: Any, **__: Any) -> Any:
        return True if answer else None

    patch.setattr(holder, name, passes)
    for module in list(sys.modules.values()):  # wherever it was imported by its name
        for alias, value in list(vars(module).items()) if hasattr(module, "__dict__") else []:
            if value is guard:
                patch.setattr(module, alias, passes)


def _drop(name: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_DROPS, {"name": name})
        drops = [row[0] for row in cursor.fetchall()]
        assert drops, f"no trigger, constraint or index {name}"
        for drop in drops:
            cursor.execute(drop)
