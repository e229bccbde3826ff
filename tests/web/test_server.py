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
UNFINISHED = b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One process with one thread."""
    port = free_port()
    environment = {"DEBUG": "true", "PORT": str(port), "WEB_PROCESSES": "1", "WEB_THREADS": "1"}
    log = tmp_path_factory.mktemp("server") / "web.log"
    command = [sys.executable, "manage.py", "web"]
    with Process("web", command, log=log, env=os.environ | environment, cwd=ROOT) as web:
        url = f"http://127.0.0.1:{port}"
        web.wait_until(lambda: answers(f"{url}/healthz"), within=60)
        yield url


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
