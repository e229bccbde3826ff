"""What every endpoint refuses in the same way."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from tests.api.conftest import BASE, Caller, is_problem
from tests.api.published import operations
from tests.factories import InvoiceFactory, MembershipFactory, OperatorFactory

KEY = str(UUID(int=2**127 + 5))  # nobody's

pytestmark = pytest.mark.django_db

LISTS = [name.removeprefix("GET ") for name, operation in operations().items() if "cursor" in str(operation)]
OPEN = {name for name, operation in operations().items() if not operation["security"]}


@pytest.fixture
def owner():
    return Caller(MembershipFactory().user)


@pytest.fixture
def right_caller(owner, bookkeeper):
    """Somebody who may read the list at that address."""
    operator = Caller(OperatorFactory())

    def choose(path):
        return operator if path.startswith("workflows/") else bookkeeper if "admin/" in path else owner

    return choose


def request(caller, name, query="", **extra):
    method, path = name.split(" ")
    path = BASE + path.replace("{id}", KEY) + query
    return caller.client.generic(method, path, extra.pop("body", b""), "application/json", **extra)


@pytest.mark.parametrize("name", operations())
def test_an_unknown_parameter_is_refused_everywhere(name, right_caller):
    caller = Caller() if name in OPEN else right_caller(name.split(" ")[1])

    answer = request(caller, name, "?is_staff=true")

    if answer.status_code != 403:  # whose permission is asked first
        assert is_problem(answer, 400, "validation-error")
        assert list(answer.json()["errors"]) == ["is_staff"]


ODD_PAGES = [
    "page_size=0",
    "page_size=101",
    "page_size=-1",
    "page_size=1.0",
    "page_size=\u0665",
    "page_size=1e1",
    "page_size=+1",
    "page_size=",
    "page_size=x",
    "page_size=5&page_size=6",
    "page=1",
    "limit=1",
    "ordering=password",
    "ordering=id",
    "ordering=",
    "ordering=-created_at,status",
    "cursor=",
    "cursor=x",
    "cursor=!!!",
    "cursor=cD0w",
    "cursor=%20",
]


@pytest.mark.parametrize("path", LISTS)
def test_pages_and_order_are_asked_for_as_written(path, right_caller):
    caller = right_caller(path)

    for query in ODD_PAGES:
        assert is_problem(caller.get(f"{path}?{query}"), 400, "validation-error")


def test_another_charset_does_not_change_the_address(owner):
    for charset in ("utf-16", "zip", "idna", "base64"):
        answer = owner.client.get(BASE + "plans/?a=%41", CONTENT_TYPE=f"application/json; charset={charset}")
        assert is_problem(answer, 400, "validation-error")


def test_a_list_is_walked_both_ways_and_turned_around(owner):
    account = owner.user.membership.account
    keys = [str(InvoiceFactory(subscription=None, account=account).pk) for _ in range(3)]

    newest = owner.get("billing/invoices/?page_size=2").json()
    rest = owner.client.get(newest["next"]).json()
    back = owner.client.get(rest["previous"]).json()
    oldest = owner.get("billing/invoices/?page_size=2&ordering=created_at").json()

    assert [row["id"] for row in newest["results"] + rest["results"]] == keys[::-1]
    assert back["results"] == newest["results"]
    assert [row["id"] for row in oldest["results"]] == keys[:2]


def test_a_cursor_that_was_tampered_with_is_refused(owner):
    account = owner.user.membership.account
    for _ in range(2):
        InvoiceFactory(subscription=None, account=account)
    cursor = owner.get("billing/invoices/?page_size=1").json()["next"].partition("cursor=")[2].partition("&")[0]

    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"
        answer = owner.get(f"billing/invoices/?page_size=1&cursor={cursor[:place]}{other}{cursor[place + 1 :]}")
        assert is_problem(answer, 400, "validation-error")
    assert owner.get(f"billing/invoices/?page_size=1&cursor={cursor}").status_code == 200


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("billing/invoices/", "status=pending"),
        ("billing/payments/", "status=failed"),
        ("billing/subscriptions/", "status=active"),
        ("credits/entries/", "kind=grant"),
        ("billing/admin/payments/", "status=failed&country=PK&method=x&age=3&amount=1.00&search=x"),
        ("billing/admin/accounts/", "status=trial&search=x"),
        ("billing/admin/statements/", f"status=imported&bank_account={KEY}"),
        (
            "billing/admin/bank-lines/",
            f"status=open&bank_account={KEY}&statement={KEY}&q=x&amount_min=1.00&amount_max=2",
        ),
    ],
)
def test_the_filters_of_the_contract_are_taken_and_their_values_looked_at(path, query, right_caller):
    caller = right_caller(path)

    assert caller.get(f"{path}?{query}").status_code == 200
    for name in ("status", "kind", "country", "age", "amount", "bank_account", "statement", "amount_max"):
        if f"{name}=" in query:
            assert is_problem(caller.get(f"{path}?{name}=odd"), 400, "validation-error")


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        (BASE + "plans", 404, "not-found"),
        (BASE + "plans//", 404, "not-found"),
        (BASE + "Plans/", 404, "not-found"),
        (BASE, 404, "not-found"),
        ("/api/", 404, "not-found"),
        ("/api/v2/plans/", 404, "not-found"),
        ("/api/v1", 404, "not-found"),
        (BASE + "plans/%00", 400, "malformed-request"),
        (BASE + "plans/%E2%80%AE/", 400, "malformed-request"),
        (BASE + "plans/?a=%0d%0aX:1", 400, "malformed-request"),
        (BASE + "plans/?" + "&".join(f"a{n}=1" for n in range(20_000)), 400, "malformed-request"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_is_written_in_one_way(method, path, status, slug):
    answer = Caller().client.generic(method, path)

    assert answer.status_code == status
    assert answer.json()["type"] == f"/problems/{slug}"


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("host", ["evil.example", "a b", "localhost:x", "", "[::1"])
def test_a_wrong_host_is_a_problem_too(host, debug, settings):
    settings.DEBUG = debug

    answer = Caller().client.get(BASE + "plans/", HTTP_HOST=host)

    if host:  # without one the name of the server is taken
        assert is_problem(answer, 400, "malformed-request")


@pytest.mark.parametrize(
    "key",
    [
        "1",
        "00000000-0000-0000-0000-00000000000",
        "{" + KEY + "}",
        "ABCDEF01" + KEY[8:],
        KEY.replace("-", ""),
        f"urn:uuid:{KEY}",
        f"{KEY}%0A",
        "\u0660" * 8 + KEY[8:],
        "9223372036854775808",
    ],
)
def test_an_id_in_an_address_is_spelled_as_it_was_given(key, owner):
    answer = owner.get(f"billing/invoices/{key}/")

    assert answer.status_code in (400, 404)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", operations())
def test_other_methods_are_405_and_say_what_is_there(name):
    path = name.split(" ")[1]
    there = {other.split(" ")[0] for other in operations() if other.split(" ")[1] == path}

    for other in {"PUT", "TRACE", "PROPFIND", "LIST", "DELETE", "GET", "POST"} - there:
        answer = request(Caller(), f"{other} {path}")
        assert is_problem(answer, 405, "method-not-allowed")
        assert there <= set(answer["Allow"].split(", "))


def test_head_and_options_say_nothing_but_headers(owner):
    head = owner.client.head(BASE + "billing/invoices/")
    options = owner.client.options(BASE + "billing/invoices/")

    assert (head.status_code, head.content, head["Content-Type"]) == (200, b"", "application/json")
    assert (options.status_code, options.content, options["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")
    assert is_problem(owner.client.options(BASE + "billing/invoices/?x=1"), 400, "validation-error")


def test_a_method_cannot_be_smuggled_in_a_header(owner, digest):
    before = digest()

    answer = owner.get("billing/invoices/", **{"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "POST"})

    assert answer.status_code == 200
    assert digest() == before


GOOD = {"amount": 1, "reference": "r"}


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"", "validation-error"),
        (b"null", "malformed-request"),
        (b"[]", "malformed-request"),
        (b'"x"', "malformed-request"),
        (b"1", "malformed-request"),
        (b'{"amount": 1', "malformed-request"),
        (b'{"amount": 1, "amount": 2, "reference": "r"}', "malformed-request"),
        (b'{"amount": NaN, "reference": "r"}', "malformed-request"),
        (b'{"amount": Infinity, "reference": "r"}', "malformed-request"),
        (b'{"amount": 1e400, "reference": "r"}', "malformed-request"),
        (b'{"amount": ' + b"9" * 5000 + b', "reference": "r"}', "malformed-request"),
        (b'{"amount": ' + b"9" * 30 + b', "reference": "r"}', "validation-error"),
        (b'{"amount": 1.0, "reference": "r"}', "validation-error"),
        (b'{"amount": true, "reference": "r"}', "validation-error"),
        (b'{"amount": "1", "reference": "r"}', "validation-error"),
        (b'{"amount": 1, "reference": 1}', "validation-error"),
        (b'{"amount": 1, "reference": "r", "account_id": "x"}', "validation-error"),
        (b'{"amount": 1, "reference": "a\\u0000b"}', "malformed-request"),
        (b'{"amount": 1, "reference": "a\\ud800b"}', "malformed-request"),
        (b'{"amount": 1, "reference": "a\\u202eb"}', "malformed-request"),
        (b'{"amount": 1, "reference": "\xff"}', "malformed-request"),
        (b'\xef\xbb\xbf{"amount": 1, "reference": "r"}', "malformed-request"),
        (json.dumps(GOOD).encode("utf-16"), "malformed-request"),
        (b'{"amount": 1, "reference": "r", "x": ' + b"[" * 32 + b"]" * 32 + b"}", "malformed-request"),
        (b'{"x": ' + b"[" * 1000 + b"]" * 1000 + b"}", "malformed-request"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "malformed-request"),
        (b'{"x": ' * 1000 + b"1" + b"}" * 1000, "malformed-request"),
    ],
)
def test_a_body_is_json_of_the_plain_kind(body, slug, owner, digest):
    before = digest()

    assert is_problem(owner.post_raw("credits/consume/", body), 400, slug)
    assert digest() == before


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json-patch+json",
        "x",
        "*/*",
        "application/json, text/html",
    ],
)
def test_a_body_of_another_kind_is_refused(content_type, owner, digest):
    before = digest()

    answer = owner.client.generic("POST", BASE + "credits/consume/", json.dumps(GOOD), content_type)

    assert is_problem(answer, 415, "unsupported-media-type")
    assert digest() == before


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_the_usual_ways_to_say_json_are_understood(content_type, owner):
    answer = owner.client.generic("POST", BASE + "credits/consume/", json.dumps(GOOD), content_type)

    assert answer.status_code == 409, "the account has not been paid for"


def test_a_compressed_body_is_not_unpacked(owner):
    answer = owner.client.generic(
        "POST", BASE + "credits/consume/", json.dumps(GOOD), "application/json", HTTP_CONTENT_ENCODING="gzip"
    )

    assert is_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("length", ["9" * 5000, "\u0663", "\u00b2", "+5", "1_0"])
def test_length_that_is_no_number_is_refused(length):
    path = BASE + "auth/login/"

    answer = Caller().client.generic("POST", path, b"{}", "application/json", CONTENT_LENGTH=length)

    assert is_problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize("key", [None, "a-key"])
def test_a_body_is_256_kb_at_most(key, owner):
    headers = {"Idempotency-Key": key} if key else {}

    for size, status in ((256 * 1024, 400), (256 * 1024 + 1, 413), (10_000_000, 413)):
        body = b'{"x": "' + b"a" * (size - 9) + b'"}'
        answer = owner.client.generic("POST", BASE + "credits/consume/", body, "application/json", headers=headers)
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", [name for name in operations() if name.split(" ")[0] == "POST"])
def test_a_post_without_fields_takes_an_empty_body_and_nothing_else(name, right_caller, digest):
    if "Nothing" not in str(operations()[name].get("requestBody")):
        return
    before = digest()

    caller = right_caller(name.partition(" ")[2])
    assert is_problem(request(caller, name, body=b'{"x": 1}'), 400, "validation-error")
    assert digest() == before


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("application/problem+json", 200),
        ("application/*", 200),
        ("*/*", 200),
        ("text/html, */*; q=0.1", 200),
        ("application/json; indent=4; charset=x", 200),
        ("text/html", 406),
        ("application/xml", 406),
        ("", 200),
        ("x" * 5000, 406),
        ("text/html; x*=bogus'en'%41", 406),
        ("; ,/,", 406),
    ],
)
def test_accept_header_is_checked(accept, status):
    answer = Caller().get("plans/", Accept=accept)

    assert answer.status_code == status
    if status == 406:
        assert is_problem(answer, 406, "not-acceptable")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Bearer \x00",
        "Bearer é",
        "Token x",
        "Basic eDp5",
        "bearer x",
        "Bearer " + "x" * 5000,
    ],
)
def test_malformed_token_is_anonymous(header):
    answer = Caller().client.get(BASE + "auth/me/", HTTP_AUTHORIZATION=header)

    assert is_problem(answer, 401, "authentication-required")
    assert answer["WWW-Authenticate"] == "Bearer"
