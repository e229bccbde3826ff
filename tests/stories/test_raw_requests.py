"""Malformed requests over a raw socket: refused by gunicorn or by Django."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable

import pytest

from stack.application import Application

pytestmark = pytest.mark.xdist_group("stories")

Send = Callable[[bytes], tuple[int, dict[str, str], bytes]]


@pytest.fixture
def send(application: Application) -> Send:
    """Send bytes; the status, headers and body of the first answer, or status 0 if the connection was just closed."""

    def sending(request: bytes) -> tuple[int, dict[str, str], bytes]:
        with socket.create_connection(("127.0.0.1", application.port), timeout=20) as line:
            answer = b""
            try:
                line.sendall(request)
                line.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # answered before all was said
            try:
                while chunk := line.recv(65536):
                    answer += chunk
            except ConnectionResetError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        if not head:
            return 0, {}, b""
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        return int(lines[0].split(" ")[1]), headers, body

    return sending


def get(path: str = "/api/v1/plans/", *more: str, host: str = "localhost") -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *more, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "request_",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        get("/", "X-Long: " + "x" * 50_000),
        get("/", *[f"X-{n}: 1" for n in range(200)]),
        get("/", "Transfer-Encoding: chunked", "Content-Length: 5"),
        get("/", "Content-Length: -1"),
        get("/", "Content-Length: 1", "Content-Length: 2"),
        get("/", "Bad Header: 1"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda request: repr(request[:30]),
)
def test_malformed_http_is_refused_by_the_server(send: Send, request_: bytes):
    status, _, body = send(request_)
    assert status in (0, 400, 405, 414, 431, 505)
    assert b"Traceback" not in body


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get(host="evil.example.com"), 400),
        (get(host="localhost\x80"), 400),
        (get("/api/v1/account/", "Authorization: Bearer nobody"), 401),
        (get("/api/nothing"), 404),
        (get("/api/v1/plans/?x=%00"), 400),
        (get("/api/v1/%ff/"), 404),
        (get("/api/v1/plans/", "X-Forwarded-Host: evil.example.com", "SCRIPT_NAME: /x"), 200),
        (get("/api/v1/plans/", "X-Forwarded-For: " + "1.2.3.4, " * 500), 200),
        (b"TRACE /api/v1/plans/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
        (b"POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         b"Content-Length: 10000000\r\nConnection: close\r\n\r\n" + b"x" * 10_000_000, 413),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)  # fmt: skip
def test_raw_request_to_the_api_gets_a_proper_answer(send: Send, request_: bytes, status: int):
    seen, headers, body = send(request_)

    assert seen == status, body
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == status
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", headers["x-request-id"])
