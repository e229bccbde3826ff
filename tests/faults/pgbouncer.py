"""PgBouncer between the product and PostgreSQL, in transaction mode, as Debian packages it."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import psycopg

from stack.process import Process
from stack.service import Service
from stack.unprivileged import database_user, own

PORT = 6432  # only names the socket
MISSING = "pgbouncer is not installed" if shutil.which("pgbouncer") is None else ""


@cache
def version() -> tuple[int, int]:
    said = subprocess.run(["pgbouncer", "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = map(int, re.findall(r"\d+", said)[:2])
    return major, minor


class PgBouncer(Service):
    """Few sessions for many connections, so that what needs one of its own fails soon."""

    def __init__(self, folder: Path, *, server: Path, log: Path, sessions: int = 4, prepares: bool = False) -> None:
        """server: the folder of PostgreSQL's socket; prepares: it keeps prepared statements, from 1.21 on."""
        self._user = database_user()
        self._folder = folder / "pooler"
        self._file = folder / "pgbouncer.ini"
        self._settings = f"""
            [databases]
            countersign = host={server} port=5432 user=countersign
            [pgbouncer]
            pool_mode = transaction
            default_pool_size = {sessions}
            max_client_conn = 200
            listen_port = {PORT}
            unix_socket_dir = {self._folder}
            auth_type = any
            admin_users = countersign
            ignore_startup_parameters = options
            server_check_delay = 0
            {"max_prepared_statements = 200" if prepares else ""}
            """
        self.process = Process(
            "pgbouncer", [shutil.which("pgbouncer") or "pgbouncer", self._file], log=log, user=self._user, grace=10
        )

    def start(self) -> None:
        own(self._folder, self._user)
        self._file.write_text("\n".join(line.strip() for line in self._settings.splitlines()))
        self._file.chmod(0o644)
        self.process.start()
        self.process.wait_until(self._answers, within=20)

    @property
    def url(self) -> str:
        return f"postgresql://countersign@:{PORT}/countersign?host={self._folder}"

    def order(self, command: str) -> None:
        """One of its own commands: RECONNECT, PAUSE."""
        console = {"host": str(self._folder), "port": PORT, "dbname": "pgbouncer", "user": "countersign"}
        with psycopg.connect(**console, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute(command)

    def _answers(self) -> bool:
        self.process.must_live()
        try:
            with psycopg.connect(self.url, autocommit=True) as connection:
                return bool(connection.execute("SELECT 1", prepare=False).fetchone())
        except psycopg.OperationalError:
            return False
