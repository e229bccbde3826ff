"""Headers, cookies, proxies and secrets."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asgiref.testing import ApplicationCommunicator

from core import asgi
from core.env import listens_on
from tests.api.conftest import Caller, is_problem
from tests.factories import UserFactory

ROOT = Path(__file__).parents[2]

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NO_PAGE = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/", "/admin/login/", "/nothing/", "/healthz", "/api/v1/plans/", "/api/v1/account/", "/api/nothing"]
)
def test_every_answer_says_what_a_browser_must_not_do(client, path):
    answer = client.get(path)

    assert {name: answer[name] for name in EVERYWHERE} == EVERYWHERE
    assert "camera=()" in answer["Permissions-Policy"]
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_an_answer_of_the_api_is_no_page_and_is_kept_nowhere(client):
    for path in ("/api/v1/plans/", "/api/v1/account/", "/api/nothing"):
        answer = client.get(path)
        assert answer["Content-Security-Policy"] == NO_PAGE
        assert answer["Cache-Control"] == "no-store"


def test_a_page_of_somebody_who_signed_in_is_kept_nowhere(client):
    assert "Cache-Control" not in client.get("/")

    client.force_login(UserFactory())

    assert client.get("/")["Cache-Control"] == "private, no-store"


def test_no_other_site_may_ask_unless_it_is_named(client, settings):
    ask = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}

    assert "Access-Control-Allow-Origin" not in client.get("/api/v1/plans/", headers=ask)
    assert "Access-Control-Allow-Origin" not in client.options("/api/v1/plans/", headers=ask)
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example.com"]
    allowed = client.options("/api/v1/auth/login/", headers=ask)
    assert allowed["Access-Control-Allow-Origin"] == "https://shop.example.com"
    assert "idempotency-key" in allowed["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed
    assert "Access-Control-Allow-Origin" not in client.get("/", headers=ask)


@pytest.mark.parametrize("debug", [True, False])
def test_a_wrong_host_is_a_problem_to_the_api_and_a_page_to_people(client, settings, debug):
    settings.DEBUG = debug

    answer = client.get("/api/v1/plans/", headers={"Host": "evil.example.com"})
    page = client.get("/", headers={"Host": "evil.example.com"})

    assert is_problem(answer, 400, "malformed-request")
    assert answer["Content-Security-Policy"] == NO_PAGE
    assert page.status_code == 400
    assert page["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("path", ["/", "/api/v1/plans/"])
@pytest.mark.guards("F6", "core.observability.logging.RefusalsInOneLine")
def test_a_wrong_host_is_one_line_of_the_log(client, settings, debug, path):
    """F6: each was a traceback of some 40 lines."""
    settings.DEBUG = debug
    (stderr,) = [handler for handler in logging.getLogger().handlers if handler.get_name() == "stderr"]
    before = stderr.setStream(written := io.StringIO())
    try:
        client.get(path, headers={"Host": "evil.example.com" * 400})
    finally:
        stderr.setStream(before)

    (line,) = written.getvalue().splitlines()
    assert "WARNING django.security.DisallowedHost: Invalid HTTP_HOST header: 'evil.example.com" in line
    assert len(line) < 400


@pytest.mark.parametrize("path", ["/api/", "/api/nothing", "/api/v2/plans/", "/api/v1/nothing/", "/api/v1/plans"])
@pytest.mark.parametrize("debug", [True, False])
def test_unknown_api_path_is_a_problem(client, settings, path, debug):
    settings.DEBUG = debug

    assert is_problem(client.get(path), 404, "not-found")


def test_unknown_page_is_a_plain_404(client):
    answer = client.get("/nothing/")

    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content


def test_a_bug_is_a_plain_page_to_people(client, monkeypatch):
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("of the inside")

    monkeypatch.setattr("web.pages.render", bug)
    client.raise_request_exception = False

    answer = client.get("/")

    assert answer.status_code == 500
    assert b"Our mistake" in answer.content
    assert b"of the inside" not in answer.content


def test_a_form_without_its_token_is_refused_in_plain_words():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"})

    assert answer.status_code == 403
    assert b"That form was too old" in answer.content


def test_an_address_with_too_many_parameters_is_malformed(client):
    assert is_problem(client.get("/api/v1/plans/?" + "a&" * 1001), 400, "malformed-request")


@pytest.mark.parametrize("path", ["auth/login/", "nothing/", "billing/payments/"])
def test_a_body_too_large_is_refused_wherever_it_goes(db, path):
    assert is_problem(Caller().post_raw(path, b"x" * 262_145), 413, "payload-too-large")


PRODUCTION = {
    "SECRET_KEY": "of-a-test-and-no-secret-at-all-but-as-long-as-one-is",
    "PUBLIC_URL": "https://billing.example.com",
    "ALLOWED_HOSTS": "billing.example.com",
    "TRUSTED_PROXIES": "1",
    "DEBUG": "false",
}


def in_production(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of Python in a process of its own, with the settings of production."""
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup()\n{code}"],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "core.settings"} | PRODUCTION | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_probe_may_ask_under_any_host(client):
    evil = {"Host": "10.1.2.3:8000"}

    assert client.get("/healthz", headers=evil).json() == {"status": "ok"}
    assert client.get("/readyz", headers=evil).status_code == 200
    assert client.get("/", headers=evil).status_code == 400


@pytest.mark.parametrize("kind", ["text/plain; charset*=nothing''x", "text/html; charset*=\xff"])
def test_an_asgi_server_may_hand_over_any_content_type(kind):
    door = ApplicationCommunicator(
        asgi.application,
        {
            "type": "http",
            "method": "POST",
            "path": "/healthz",
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", kind.encode("latin-1"))],
        },
    )

    async def ask():
        await door.send_input({"type": "http.request", "body": b""})
        return await door.receive_output(timeout=10)

    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's event loop may run in this thread
        assert elsewhere.submit(asyncio.run, ask()).result()["status"] == 200


def test_in_production_cookies_and_transport_are_strict():
    said = in_production(
        """
from django.conf import settings
from django.test import Client
https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Host": "billing.example.com"}
page = Client(headers=https).get("/admin/login/")
print(page["Strict-Transport-Security"])
print([(name, cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"])
       for name, cookie in page.cookies.items()])
print(settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY)
plain = Client(headers={"Host": "evil.example.com"})
print(plain.get("/admin/").status_code, plain.get("/admin/")["Location"], plain.get("/healthz").status_code)
"""
    )

    assert said.stdout.splitlines() == [
        "max-age=31536000; includeSubDomains",
        "[('__Host-csrftoken', True, True, 'Lax', '/', '')]",
        "__Host-sessionid True True",
        "301 https://billing.example.com/admin/ 200",
    ], said.stderr


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is missing, the demo's, or shorter"),
        ({"DATABASE_URL": "postgresql://countersign:password@db/countersign"}, "DATABASE_URL has the password of"),
        ({"DATABASE_URL": "postgresql://countersign:countersign@db/countersign"}, "DATABASE_URL has the password of"),
        ({"METRICS_TOKEN": "guess"}, "METRICS_TOKEN is shorter than 16 characters"),
        ({"LIMIT_LOGIN": "5"}, "LIMIT_LOGIN must read like"),
        ({"DEBUG": "true", "BIND": "0.0.0.0"}, "DEBUG is for this machine alone, and BIND=0.0.0.0 is open"),
        ({"DEBUG": "true", "BIND": "127.0.0.1,192.0.2.7"}, "BIND=192.0.2.7 is open to its network"),
        ({"DEBUG": "true", "BIND": "[::]"}, "BIND=:: is open to its network"),
    ],
)
def test_start_with_an_invalid_secret_is_refused(environment, words):
    refused = in_production("print('started')", **environment)

    assert refused.returncode != 0
    assert words in refused.stderr.splitlines()[-1]
    assert "started" not in refused.stdout


@pytest.mark.guards("S9", "core.env.listens_on")
@pytest.mark.parametrize(
    ("environment", "addresses"),
    [
        ({"DEBUG": "true"}, ["127.0.0.1", "::1"]),
        ({"DEBUG": "true", "BIND": "localhost"}, ["localhost"]),
        ({"DEBUG": "true", "BIND": "0.0.0.0", "DEMO_BEHIND_LOOPBACK": "1"}, ["0.0.0.0"]),
        ({"DEBUG": "false"}, ["0.0.0.0"]),
        ({"DEBUG": "false", "BIND": "192.0.2.7,[2001:db8::7]"}, ["192.0.2.7", "2001:db8::7"]),
    ],
)
def test_a_demo_listens_to_its_own_machine_alone(monkeypatch, environment, addresses):
    """S9: it listened on every interface, with public passwords and Django's error pages."""
    for name in ("BIND", "DEMO_BEHIND_LOOPBACK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert listens_on(debug=environment["DEBUG"] == "true") == addresses


def test_a_demo_may_have_the_secrets_of_a_demo():
    secrets = {"SECRET_KEY": "", "DATABASE_URL": "postgresql://countersign:countersign@db/countersign"}

    assert in_production("print('started')", DEBUG="true", **secrets).stdout == "started\n"


@pytest.mark.parametrize(
    ("environment", "found"),
    [({}, []), ({"TRUSTED_PROXIES": "0"}, ["core.W002", "security.W008"]), ({"PUBLIC_URL": "http://x"}, ["core.W001"])],
)
def test_doubtful_production_settings_are_warned_about(environment, found):
    code = "from django.core.management import call_command; call_command('check', deploy=True)"

    said = in_production(code, **environment).stderr

    for name in ("core.W001", "core.W002", "security.W008"):
        assert (name in said) == (name in found or (name == "security.W008" and "core.W001" in found)), said
