from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack.ports import free_port
from stack.process import Process
from tests.faults.site import eventually
from tests.http_client import http_client, http_get
from web.management.commands.web import _has_ipv6

ROOT = Path(__file__).parents[2]
MEGABYTE = 1024 * 1024
UNFINISHED = b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server's temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[tuple[str, Process]]:
    """One process with one thread."""
    port = free_port()
    environment = {
        "DEBUG": "true",
        "PORT": str(port),
        "WEB_PROCESSES": "1",
        "WEB_THREADS": "1",
        "TMPDIR": str(folder),
    }
    log = tmp_path_factory.mktemp("server") / "web.log"
    command = [sys.executable, "manage.py", "web"]
    with Process("web", command, log=log, env=os.environ | environment, cwd=ROOT) as web:
        url = f"http://127.0.0.1:{port}"
        web.wait_until(lambda: answers(f"{url}/healthz"), within=60)
        yield url, web


@pytest.fixture(scope="module")
def url(server: tuple[str, Process]) -> str:
    return server[0]


def answers(url: str) -> bool:
    try:
        return http_get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def said_to(url: str, words: bytes) -> socket.socket:
    address = httpx.URL(url)
    connection = socket.create_connection((address.host, address.port), timeout=10)
    connection.sendall(words)
    return connection


def test_a_demo_is_reached_by_either_name_of_this_machine_and_by_no_other_address(url):
    port = httpx.URL(url).port
    assert answers(f"{url}/healthz")
    assert answers(f"http://[::1]:{port}/healthz") or not _has_ipv6()

    with pytest.raises(ConnectionRefusedError):  # what listens on every address answers there
        socket.create_connection(("127.0.0.2", port), timeout=5)


@pytest.mark.guards("S24", "web.server.Worker.enqueue_req")
def test_a_probe_is_answered_while_every_thread_is_kept(url):
    """S24, F1: it stood in the queue behind them."""
    with said_to(url, UNFINISHED):
        eventually(lambda: not answers(f"{url}/problems/"), within=10)

        for _ in range(3):
            assert http_get(f"{url}/healthz", timeout=2).json() == {"status": "ok"}
        assert http_get(f"{url}/readyz", timeout=8).status_code in {200, 503}  # the tests' first database is empty
    eventually(lambda: answers(f"{url}/problems/"), within=20)


def test_a_probe_that_is_never_finished_keeps_no_other_from_its_thread(url):
    with said_to(url, b"GET /healthz HTTP/1.1\r\nHost: a\r\n"):
        time.sleep(0.3)
        assert answers(f"{url}/healthz")


def test_silent_connection_takes_no_thread(url):
    with said_to(url, b""), said_to(url, b""):
        time.sleep(0.3)
        started = time.monotonic()
        assert answers(f"{url}/problems/")
        assert time.monotonic() - started < 2


def test_one_connection_may_ask_for_this_and_that(url):
    with http_client(base_url=url, timeout=5) as client:
        for path in ("/problems/", "/healthz", "/problems/", "/healthz?x=1"):
            assert client.get(path).status_code == 200


def test_two_requests_sent_at_once_are_both_answered(url):
    one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with said_to(url, one + last) as connection:
        answered = b""
        while more := connection.recv(65536):
            answered += more

    assert answered.count(b"HTTP/1.1 200") == 2


def post(path: str, length: int, content_type: str = "multipart/form-data; boundary=x", *, more: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n{more}"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


def upload(url: str, head: bytes, length: int) -> tuple[bytes, int]:
    """The answer to a body that is sent as fast as it is taken, and how much of it was."""
    sent = 0
    with said_to(url, head) as connection:
        try:
            while sent < length:
                sent += connection.send(b"x" * min(65536, length - sent))
        except OSError:  # the server does not want more
            pass
        answer = b""
        try:
            while more := connection.recv(65536):
                answer += more
        except OSError:
            pass
    return answer, sent


@pytest.mark.parametrize(
    ("path", "status"),
    [("/login/", b"413"), ("/desk/bank/", b"413"), ("/api/v1/billing/admin/statements/", b"413"),
     ("/api/v1/auth/login/", b"413")],
)  # fmt: skip
@pytest.mark.parametrize("more", ["", "Connection: close\r\n"], ids=["kept", "closed"])
def test_body_that_is_too_large_is_refused_and_not_read_to_its_end(url, path, status, more):
    length = 60 * MEGABYTE

    answer, sent = upload(url, post(path, length, more=more), length)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert sent < length / 2
    assert answers(f"{url}/healthz")


def test_body_of_a_stranger_is_refused_before_it_is_read(url):
    length = 20 * MEGABYTE

    answer, sent = upload(url, post("/api/v1/billing/admin/statements/", length), length)

    assert answer.startswith(b"HTTP/1.1 401")
    assert b"problem+json" in answer
    assert sent < length


def test_refused_body_that_is_announced_and_never_sent_keeps_no_thread(url):
    with said_to(url, post("/login/", 60 * MEGABYTE)) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")

        eventually(lambda: answers(f"{url}/problems/"), within=10)


def test_large_body_without_a_length_is_not_read(url):
    """Chunks: Django takes no body without its length."""
    head = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with said_to(url, head + b"Transfer-Encoding: chunked\r\n\r\n") as connection:
        try:
            for _ in range(400):
                connection.sendall(chunk)
        except OSError:
            pass
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 4")


def test_bodies_leave_no_file_and_no_memory(server, folder):
    """Also one that is within the bound, and that a sender gives up."""
    url, web = server
    upload(url, post("/desk/bank/", 60 * MEGABYTE), 60 * MEGABYTE)
    files, memory = set(folder.rglob("*")), resident(web.pid)

    for _ in range(5):
        upload(url, post("/desk/bank/", 60 * MEGABYTE), 60 * MEGABYTE)
    with said_to(url, post("/login/", 200_000) + b"--x\r\n" + b"x" * 100_000):
        pass
    eventually(lambda: answers(f"{url}/problems/"), within=20)

    assert set(folder.rglob("*")) == files
    assert resident(web.pid) - memory < 16 * MEGABYTE


def resident(pid: int) -> int:
    """Bytes in memory of a process and its children."""
    own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(resident(int(child)) for child in children)
