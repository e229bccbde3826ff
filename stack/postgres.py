from __future__ import annotations

import os
import pwd
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from stack.problems import StackError
from stack.process import Process
from stack.service import Service
from stack.stale_server import pid_file, stop_stale_server
from stack.terminal import say, tail
from stack.unprivileged import data_folder, database_user, own, postgres_binaries

CLUSTER_SQL = Path(__file__).with_name("cluster.sql")
CLUSTER = (
    "--username=postgres",
    "--auth=peer",
    "--no-instructions",
    "--encoding=UTF8",
    # Sorts and folds alike on every machine; a locale of the system may be missing.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
)
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # PGPORT would change the socket's name
    "shared_buffers": "128MB",
    "max_connections": "100",
    "client_connection_check_interval": "1s",  # a query whose client died does not keep its locks
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Access:
    """Who may sign in: these users of this machine, as whom they like; the kernel tells the server who they are.

    The socket's folder does not keep out what else runs as `nobody`, as which root's server runs.
    """

    def __init__(self, folder: Path, users: Sequence[str]) -> None:
        self._rules, self._names = folder / "pg_hba.conf", folder / "pg_ident.conf"
        self._users = users

    def write(self) -> None:
        for file, lines in (
            (self._rules, ["local all all peer map=ours"]),
            (self._names, [f'ours "{user}" all' for user in self._users]),
        ):
            file.write_text("\n".join([*lines, ""]))
            file.chmod(0o644)

    @property
    def settings(self) -> dict[str, str]:
        return {"hba_file": str(self._rules), "ident_file": str(self._names)}


class Postgres(Service):
    """A server on a unix socket. Its cluster is made at the first start and kept after that."""

    def __init__(
        self, data: Path, *, sockets: Path, log: Path, throwaway: bool = False, others: Sequence[str] = ()
    ) -> None:
        """others: users of this machine that may sign in, beside ours."""
        self._user = database_user()
        self._access = Access(sockets, [pwd.getpwuid(os.geteuid()).pw_name, *others])
        self._bin = postgres_binaries(self._user)
        self._sockets = sockets / "postgres"
        self._log = log
        self._throwaway = throwaway
        self.data = data_folder(data, self._user)
        if self.data != data:
            say(f"PostgreSQL refuses root and its user cannot enter here: its data are in {self.data}.")
        self.process = self._program("postgres", "-D", self.data, *self._settings())

    def start(self) -> None:
        own(self._sockets, self._user)
        self._access.write()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        stop_stale_server(self.data)
        deadline = time.monotonic() + 20
        while not self._started():
            # After a SIGKILL its backends need a moment to notice.
            if "is still in use" not in tail(self._log) or time.monotonic() > deadline:
                raise StackError(self.process.failure("does not start"))
            time.sleep(0.2)

    @property
    def url(self) -> str:
        return f"postgresql://countersign@:5432/countersign?host={self._sockets}"

    def _make_cluster(self) -> None:
        """The cluster is renamed at the end: an interrupted first start leaves no half of one."""
        unfinished = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        own(unfinished, self._user)
        sync = "--no-sync" if self._throwaway else "--sync-method=fsync"
        self._finish(self._program("initdb", "-D", unfinished, *CLUSTER, sync))
        single_user = ["--single", "-D", str(unfinished), "-c", "exit_on_error=true", "postgres"]
        self._finish(self._program("postgres", *single_user, stdin=CLUSTER_SQL))
        unfinished.rename(self.data)

    def _started(self) -> bool:
        self.process.start()
        self.process.wait_until(lambda: self._ready() or not self.process.alive, within=60)
        return self.process.alive

    def _ready(self) -> bool:
        lines = pid_file(self.data)
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _settings(self) -> list[str]:
        settings = SETTINGS | self._access.settings | {"unix_socket_directories": str(self._sockets)}
        if self._throwaway:
            settings |= THROWAWAY
        return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]

    def _program(self, name: str, *options: str | Path, stdin: Path | None = None) -> Process:
        command = [self._bin / name, *options]
        return Process(name, command, log=self._log, user=self._user, stdin=stdin, ends_by=signal.SIGINT)

    def _finish(self, program: Process) -> None:
        with program:
            program.finish(within=120)
