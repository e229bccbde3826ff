"""A mail server of its own process: slow, silent, or one that takes a mail and never says so.

`python -m tests.faults.mail_server` reads PORT, FILE, MODE and SECONDS from its environment, and writes the Message-ID
of each mail that it has taken to FILE.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from stack.ports import free_port

if TYPE_CHECKING:
    from tests.faults.site import Site

MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class PostOffice:
    """Answers a mail after so many seconds, or with `mute` never."""

    def __init__(self, file: Path, mode: str, seconds: float) -> None:
        self.file, self.mode, self.seconds = file, mode, seconds

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        found = MESSAGE_ID.search(envelope.content)
        assert found
        with self.file.open("a") as taken:
            taken.write(found[1].decode() + "\n")
        await asyncio.sleep(3600 if self.mode == "mute" else self.seconds)
        return "250 OK"


@contextmanager
def mail_server(site: Site, mode: str, *, seconds: float = 0) -> Iterator[tuple[str, Path]]:
    """Its URL, and the file of what it took. slow: after so long; mute: it never says so; silent: not even hello."""
    port, file = free_port(), site.var / f"mails-{mode}-{time.monotonic_ns()}"
    file.touch()
    arguments = {"PORT": str(port), "FILE": str(file), "MODE": mode, "SECONDS": str(seconds)}
    with site.another("", name=f"mail-server-{mode}", module="tests.faults.mail_server", **arguments) as process:
        process.wait_until(lambda: is_listening(port), within=15)
        yield f"smtp://127.0.0.1:{port}", file


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def times_taken(file: Path) -> Counter[str]:
    return Counter(file.read_text().split())


def main() -> None:
    port, file, mode = int(os.environ["PORT"]), Path(os.environ["FILE"]), os.environ["MODE"]
    if mode == "silent":
        server = socket.create_server(("127.0.0.1", port), backlog=100)
        calls = []
        while True:
            calls.append(server.accept())
    office = PostOffice(file, mode, float(os.environ["SECONDS"]))
    Controller(office, hostname="127.0.0.1", port=port, server_hostname="localhost").start()
    signal.pause()


if __name__ == "__main__":
    main()
