"""`make drill`: dump a database, restore it into an empty server, check it, and go on working there.

Without DATABASE_URL it uses a demo; that of DATABASE_URL is only read. The copy's mails become files.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stack.application import Application
from stack.binaries import POSTGRES_BIN, postgres_package
from stack.ports import free_port
from stack.postgres import Postgres
from stack.problems import StackError
from stack.sockets import runtime_folder
from stack.terminal import say

APPROVER = {"email": "approver@demo.test", "password": "demo-demo-demo"}
UNREACHABLE_BROKER = "redis+socket:///nobody/listens/here"  # the drill executes effects itself
SENT = "SELECT DISTINCT effect_id FROM audit.mails"
GRANTS = "SELECT account_id || ' ' || key FROM audit.credit_entries WHERE kind = 'grant'"
DUE = "SELECT count(*) FROM audit.effects WHERE state IN ('ready', 'waiting', 'leased')"


def drill(named: str | None = None) -> int:
    """Raises StackError when a promise does not hold. named: URL of the database to copy; None: a demo."""
    with ExitStack() as ending:
        folder = Path(tempfile.mkdtemp(prefix="countersign-drill-"))
        folder.chmod(0o711)  # PostgreSQL's user passes through
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        original = Database(folder / "original", named or ending.enter_context(_server(folder / "first")))
        if named is None:
            say("A demo, its mails sent, then payments decided on and no worker there to do what follows ...")
            original.fill()
        sent, due = original.ask(SENT), original.ask(DUE)[0]
        say(f"Dumping it: {len(sent)} mails are sent, {due} effects are due or wait ...")
        original.tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={folder / 'dump'}")
        if named is None:
            original.execute()  # work that the dump does not have
        say("Restoring it into an empty server ...")
        copy = Database(folder / "copy", ending.enter_context(_server(folder / "second")))
        copy.tool(
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--dbname", copy.url, folder / "dump"
        )
        copy.manage("check_invariants")
        _work(copy, sent)
        if named is None:
            _compare(original, copy, sent)
    say("The drill is passed.")
    return os.EX_OK


class Database:
    def __init__(self, var: Path, url: str) -> None:
        self.url, self.mail, self._var = url, var / "mail", var

    def manage(self, command: str, *options: str, hold: bool = False) -> None:
        self._application(hold=hold).command(command, *options)

    def execute(self, *, hold: bool = False) -> None:
        self.manage("run_effects", "--once", hold=hold)

    def ask(self, sql: str) -> list[str]:
        """The first column."""
        return self.tool("psql", "--no-psqlrc", "--tuples-only", "--no-align", "--command", sql).split("\n")[:-1]

    def tool(self, name: str, *options: str | Path) -> str:
        """A failure is a StackError."""
        where = [] if name == "pg_restore" else ["--dbname", self.url]
        command = [postgres_package() / POSTGRES_BIN / name, *where, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StackError(f"{name} failed:\n{done.stderr.strip()}")
        return done.stdout

    def mailed(self) -> set[str]:
        """Effect ids: a file is named by its Message-ID."""
        return {file.stem for file in self.mail.glob("*.eml")}

    def fill(self) -> None:
        """Work in all its states: sent, due, waiting."""
        self.manage("migrate", "--noinput", "-v0")
        self.manage("seed_demo")
        self.execute()
        application = self._application()
        with application.process("web") as web:
            web.wait_until(lambda: application.answers("/healthz"), within=60, every=0.2)
            token = _ask(application.port, "POST", "auth/login/", APPROVER)["token"]
            queue = _ask(application.port, "GET", "billing/admin/payments/?status=pending_approval", token=token)
            for position, payment in enumerate(queue["results"]):
                if position == len(queue["results"]) // 2:
                    self.execute()
                is_last = payment is queue["results"][-1]
                verb, body = ("reject", {"admin_notes": "nothing has arrived"}) if is_last else ("approve", {})
                _ask(application.port, "POST", f"billing/admin/payments/{payment['id']}/{verb}/", body, token=token)

    def _application(self, *, hold: bool = False) -> Application:
        environment = {
            "DATABASE_URL": self.url,
            "BROKER_URL": UNREACHABLE_BROKER,
            "DEBUG": "true",
            "EMAIL_URL": "",
            "MAIL_DIR": str(self.mail),
            "PAUSE_EXTERNAL_EFFECTS": str(hold).lower(),
            "BIND": "127.0.0.1",
        }
        return Application(self._var, port=free_port(), environment=environment)


def _work(copy: Database, sent: list[str]) -> None:
    """First with external effects paused, then all."""
    copy.execute(hold=True)
    if copy.mailed():
        raise StackError(f"With PAUSE_EXTERNAL_EFFECTS {len(copy.mailed())} mails were sent.")
    copy.manage("check_invariants")
    say("With PAUSE_EXTERNAL_EFFECTS: what is due inside the database is done, no mail was sent.")
    copy.execute()
    copy.manage("check_invariants")
    again = copy.mailed() & set(sent)
    if again:
        raise StackError(f"{len(again)} mails that had been sent before the dump were sent again.")
    grants = copy.ask(GRANTS)
    if len(grants) != len(set(grants)):
        raise StackError("Credits were granted twice.")
    say(f"Without it: {len(copy.mailed())} mails, none of the {len(sent)} from before the dump; no grant twice.")


def _compare(original: Database, copy: Database, sent: list[str]) -> None:
    late = original.mailed() - set(sent)
    repeated = late & copy.mailed()
    if sorted(original.ask(GRANTS)) != sorted(copy.ask(GRANTS)):
        raise StackError("The copy granted other credits than the original.")
    say(f"Of {len(late)} mails that the original sent after the dump the copy sent {len(repeated)} again,")
    say(f"under the same Message-ID, and wrote {len(copy.mailed() - late)} others, under another.")


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    with runtime_folder() as sockets:
        data = Postgres(folder, sockets=sockets, log=folder.with_suffix(".log"), throwaway=True)
        with data:
            yield data.url


def _ask(port: int, method: str, path: str, body: Mapping[str, str] | None = None, *, token: str = "") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Content-Type": "application/json", "Host": "localhost"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status >= 300:
        raise StackError(f"{method} {path} was answered {answer.status}: {text}")
    return json.loads(text)
