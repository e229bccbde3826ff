"""What docs/asvs.md says of pages, cookies, passwords and sessions and no other test holds."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from django.conf import settings as ours
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from core.models import User
from core.observability.logging import TextFormatter
from tests.api.caller import Caller
from tests.api.conftest import is_problem
from tests.core.test_http import in_production
from tests.factories import PASSWORD, MembershipFactory, StaffFactory
from tests.web.conftest import signed_in
from web.forms.passwords import ChangePasswordForm, NewPasswordForm
from web.forms.sign_up import SignUpForm
from web.forms.signing_in import SignInForm
from workflows.actions.people import change_password

pytestmark = pytest.mark.django_db

ASKED = """
import json
from django.contrib.auth.hashers import make_password
from django.core.mail.backends.smtp import EmailBackend
from django.conf import settings
from django.test import Client
https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "Host": "billing.example.com"}
secure, plain = Client(headers=https), Client(headers={"Host": "billing.example.com"})
secure.get("/admin/login/")
secure.post("/language/", {"language": "ar"})
refused = [plain.get("/api/v1/plans/"), plain.post("/api/v1/auth/login/", {}, content_type="application/json")]
mail = EmailBackend(use_tls=True).ssl_context
print(json.dumps({
    "names": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME],
    "session": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE],
    "cookies": {name: [bool(c["secure"]), bool(c["httponly"]), c["samesite"], c["path"], c["domain"]]
                for name, c in secure.cookies.items()},
    "refused": [[a.status_code, a.headers.get("Location"), a.headers["Content-Type"]] for a in refused],
    "led": [plain.get(path).headers.get("Location") for path in ("/login/", "/api/docs/")],
    "password": make_password("correct horse battery")[:40],
    "mail": [mail.verify_mode.name, mail.check_hostname, mail.minimum_version.name],
}))
"""


@pytest.fixture(scope="module")
def production():
    """What a process with the settings of production says of itself."""
    said = in_production(ASKED)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_each_cookie_is_of_this_host_alone_and_hidden_from_scripts(production):
    assert all(name.startswith("__Host-") for name in production["names"])
    assert production["session"] == [True, True, "Lax"]
    assert set(production["cookies"]) == {"__Host-csrftoken", "__Host-language"}
    for cookie in production["cookies"].values():
        assert cookie == [True, True, "Lax", "/", ""]


def test_news_of_a_page_are_in_the_session_and_in_no_cookie():
    client = signed_in(_person())
    client.post(reverse("security"), {"old_password": PASSWORD, "new_password": "another horse battery"})

    assert set(client.cookies) <= {"sessionid", "csrftoken", "language"}
    assert "Your password is changed" in client.get(reverse("security")).content.decode()


def test_program_that_asks_over_http_is_refused_and_a_browser_is_led_to_https(production):
    assert production["refused"] == [[403, None, "application/problem+json"]] * 2
    assert production["led"] == [f"https://billing.example.com{path}" for path in ("/login/", "/api/docs/")]


def test_password_is_kept_by_argon2id_with_at_least_19_mib(production):
    found = re.match(r"argon2\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$", production["password"])

    assert found
    assert int(found[1]) >= 19 * 1024  # OWASP's least for two passes, KiB
    assert int(found[2]) >= 2


def test_mail_server_is_believed_by_its_certificate_only(production):
    assert production["mail"] == ["CERT_REQUIRED", True, "TLSv1_2"]


@pytest.mark.parametrize("path", ["/", "/login/", "/nothing/", "/healthz", "/api/v1/plans/", "/api/docs/", "/static/x"])
def test_every_policy_names_objects_and_base(client, path):
    rules = client.get(path)["Content-Security-Policy"].split("; ")

    assert {"object-src 'none'", "base-uri 'none'", "default-src 'none'", "frame-ancestors 'none'"} <= set(rules)


@pytest.mark.parametrize("path", ["/", "/nothing/", "/admin/login/", "/problems/", "/api/docs/"])
def test_every_text_says_how_its_letters_are_coded(client, path):
    assert client.get(path)["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        *("/static/", "/static/web/", "/static/../manage.py", "/static/..%2f..%2fmanage.py", "/static//etc/passwd"),
        *("/api/", "/desk", "/.git/config", "/.env", "/manage.py"),
    ],
)
def test_no_folder_is_listed_and_no_file_of_ours_is_given(client, path):
    assert client.get(path).status_code in (301, 404)  # 301: to the same address with a slash


@pytest.mark.parametrize("path", ["/", "/login/", "/signup/", "/admin/", "/app/", "/problems/", "/api/v1/plans/"])
def test_trace_is_refused(client, path):
    answer = client.generic("TRACE", path, HTTP_X_MINE="echo-of-a-header")

    assert answer.status_code == 405
    assert b"echo-of-a-header" not in answer.content


def test_session_of_the_pages_opens_nothing_in_the_api():
    client = signed_in(_person())

    assert client.get(reverse("security")).status_code == 200
    assert is_problem(client.get("/api/v1/auth/me/"), 401, "authentication-required")
    asked = client.post("/api/v1/credits/consume/", {"amount": 1, "reference": "r"}, content_type="application/json")
    assert is_problem(asked, 401, "authentication-required")


def test_token_in_an_address_opens_nothing():
    token = AuthToken.objects.create(_person())[1]

    for name in ("token", "access_token", "api_key"):
        answer = Client().get(f"/api/v1/auth/me/?{name}={token}")
        assert answer.status_code == 401


def test_signing_in_gives_another_session_and_signing_out_ends_it(client):
    user = _person()
    client.cookies["sessionid"] = planted = "a" * 32  # known to somebody who gave it to this browser

    client.post(reverse("sign_in"), {"username": user.email, "password": PASSWORD})
    key = client.cookies["sessionid"].value

    assert key != planted
    assert client.get(reverse("security")).status_code == 200
    assert _sees_security(planted) is False
    client.post(reverse("sign_out"))
    assert _sees_security(key) is False


def test_keys_are_as_long_as_their_libraries_make_them_and_never_the_same():
    user = _person()
    tokens = {AuthToken.objects.create(user)[1] for _ in range(50)}
    keys = set()
    for _ in range(50):
        client = signed_in(user)
        keys.add(client.session.session_key)

    assert len(tokens) == len(keys) == 50
    assert all(re.fullmatch(r"[0-9a-f]{64}", token) for token in tokens)  # 256 bits
    assert all(re.fullmatch(r"[0-9a-z]{32}", key) for key in keys)  # 165 bits


@pytest.mark.parametrize("name", ["dashboard", "invoices", "plan", "security", "desk", "figures", "admin:index"])
def test_page_of_who_signed_in_offers_to_sign_out(name):
    user = StaffFactory() if name in ("desk", "figures", "admin:index") else _person()
    page = signed_in(user).get(reverse(name))

    assert page.status_code == 200
    assert re.search(rb'<form[^>]* method="post" action="(/admin)?/logout/"', page.content)


GOOD = [
    "839201756401",  # digits alone
    "zzqxwvkjhgfp",
    "пароль из слов 🐎",
    "  blanks at both ends  ",
    "x7" * 32,
    "correct horse battery " * 5 + "and more",
]


@pytest.mark.parametrize("password", GOOD)
def test_password_of_any_signs_and_of_more_than_64_is_taken(password):
    user = change_password(_person(), PASSWORD, password)

    assert user.check_password(password)


@pytest.mark.parametrize("password", ["Correct Horse Battery", " padded with blanks ", "p" * 64 + "q" * 64])
def test_password_is_compared_as_it_was_typed(password):
    user = change_password(_person(), PASSWORD, password)
    anybody = Caller()

    for other in (password.swapcase(), password.strip() + "\t", password[:-1], password + "x"):
        answer = anybody.post("auth/login/", {"email": user.email, "password": other})
        assert answer.status_code in (400, 401), other
    assert anybody.post("auth/login/", {"email": user.email, "password": password}).status_code == 200


def test_password_fields_are_masked_and_open_to_password_managers():
    fields = [
        (form, name, field.widget)
        for form in (SignUpForm, SignInForm, NewPasswordForm, ChangePasswordForm)
        for name, field in form.base_fields.items()
        if "password" in name
    ]

    assert len(fields) == 5
    for form, name, widget in fields:
        is_old = name == "old_password" or form is SignInForm
        assert widget.input_type == "password", (form, name)
        assert widget.attrs["autocomplete"] == ("current-password" if is_old else "new-password")
        assert not {"readonly", "onpaste"} & set(widget.attrs)


def test_words_of_a_stranger_begin_no_line_of_the_log(client):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        client.get("/nowhere%0aERROR%20forged%0d%0a/")
        logging.getLogger("x").warning("refused: %s", "a\nERROR forged\u2028ERROR forged")
    finally:
        logging.getLogger().removeHandler(handler)

    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert not [line for line in lines if line.startswith("ERROR")]


def test_log_has_one_place():
    assert set(ours.LOGGING["handlers"]) == {"stderr"}
    assert ours.LOGGING["handlers"]["stderr"]["class"] == "logging.StreamHandler"
    assert ours.LOGGING["root"]["handlers"] == ["stderr"]
    assert not [name for name, logger in ours.LOGGING["loggers"].items() if "handlers" in logger]


def _person() -> User:
    user = MembershipFactory().user
    user.set_password(PASSWORD)
    user.save()
    return user


def _sees_security(key: str) -> bool:
    client = Client()
    client.cookies["sessionid"] = key
    return client.get(reverse("security")).status_code == 200
