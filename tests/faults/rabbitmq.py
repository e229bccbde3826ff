"""RabbitMQ instead of Valkey, as Debian packages it: one node of its own, with its own epmd."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import amqp

from stack.process import Process
from stack.service import Service
from stack.unprivileged import User, database_user, own

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on PATH refuses whoever is not root or rabbitmq
MISSING = "" if SERVER.exists() and shutil.which("epmd") else "rabbitmq-server is not installed"


class RabbitMQ(Service):
    """It keeps what it was told over a restart, as a broker of record would; ours need not."""

    def __init__(self, folder: Path, *, port: int, other_ports: tuple[int, int], log: Path) -> None:
        self._user: User | None = database_user()
        self._folder = folder / "rabbitmq"
        self._port = port
        names, distribution = other_ports
        environment = os.environ | {
            "HOME": str(self._folder),  # the cookie lies there
            "RABBITMQ_NODENAME": f"countersign{port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._names = Process("epmd", [shutil.which("epmd") or "epmd"], log=log, env=environment, user=self._user)
        self.process = Process("rabbitmq", [SERVER], log=log, env=environment, cwd=folder, user=self._user, grace=30)

    def start(self) -> None:
        own(self._folder, self._user)
        if not self._names.alive:
            self._names.start()
        self.process.start()
        self.process.wait_until(self._answers, within=60, every=0.2)

    def stop(self) -> None:
        super().stop()
        self._names.stop()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._port}//"

    def tree(self) -> list[int]:
        """Its processes: the script, the machine that runs it, and what that started."""
        found, look = [], [self.process.pid]
        while look:
            pid = look.pop()
            found.append(pid)
            look += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return found

    def connect(self) -> amqp.Connection:
        return amqp.Connection(host=f"127.0.0.1:{self._port}", connect_timeout=5, read_timeout=5)

    def waiting(self, queue: str) -> int:
        """How many messages wait there."""
        with self.connect() as connection:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)

    def purge(self, queue: str) -> None:
        with self.connect() as connection:
            connection.channel().queue_purge(queue)

    def declare(self, queue: str, **arguments: Any) -> None:
        """Raises amqp.PreconditionFailed when the queue is there, and another."""
        with self.connect() as connection:
            connection.channel().queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)

    def _answers(self) -> bool:
        self.process.must_live()
        try:
            with self.connect():
                return True
        except (OSError, amqp.AMQPError):
            return False
