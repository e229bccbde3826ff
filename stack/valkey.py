from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from stack.binaries import valkey_server
from stack.process import Process
from stack.service import Service


class Valkey(Service):
    """On a unix socket. A kept one logs every command to disk; a throwaway one stores nothing."""

    def __init__(self, data: Path, *, sockets: Path, log: Path, throwaway: bool = False) -> None:
        self._data = data
        self._socket = sockets / "valkey.sock"
        self.process = Process("valkey", [valkey_server(), *self._options(throwaway)], log=log, grace=10)

    def start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        self.process.start()
        self.process.wait_until(self._answers, within=30)

    def url(self, database: int = 0) -> str:
        return f"redis+socket://{self._socket}?virtual_host={database}"

    def _options(self, throwaway: bool) -> list[str]:
        options = {
            "--port": "0",
            "--unixsocket": str(self._socket),
            "--unixsocketperm": "700",
            "--dir": str(self._data),
            "--save": "",
            "--appendonly": "no" if throwaway else "yes",
            "--maxmemory-policy": "noeviction",  # eviction loses messages
            "--databases": "64",  # one for each test worker
        }
        return [word for option in options.items() for word in option]

    def _answers(self) -> bool:
        self.process.must_live()
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            connection.connect(str(self._socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False
