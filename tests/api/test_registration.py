from __future__ import annotations

import pytest

from core.models import Account, Invoice, Plan, PlanPrice
from tests.api.conftest import is_problem
from tests.factories import PaymentMethodFactory, PlanFactory

pytestmark = pytest.mark.django_db

PAID = {
    "email": "ann@acme.test",
    "password": "a fairly long one",
    "account_name": "Acme",
    "plan": "starter",
    "payment_method": "us_bank",
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "city": "Springfield",
    "country": "US",
}

FREE = {"email": "ann@acme.test", "password": "a fairly long one", "account_name": "Acme"}


@pytest.fixture(autouse=True)
def offered():
    PlanFactory()
    PlanFactory(code="free", name="Free", trial_days=14, price=0)
    PlanFactory(code="internal", name="Internal", is_public=False)
    PaymentMethodFactory()


@pytest.mark.happy("POST auth/register/")
def test_a_free_account_needs_no_address(anybody):
    answer = anybody.post("auth/register/", FREE)

    assert answer.status_code == 201
    assert answer.json()["account"]["credits"] == 1000
    assert Account.objects.get().trial_ends_on is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@localhost"}, "email"),
        ({"email": 5}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "ann@acme.test"}, "password"),
        ({"account_name": "  "}, "account_name"),
        ({"account_name": "two\nlines"}, "account_name"),
        ({"account_name": ["Acme"]}, "account_name"),
        ({"plan": "platinum"}, "plan"),
        ({"plan": "internal"}, "plan"),
        ({"currency": "XAU"}, "currency"),
        ({"currency": "EUR"}, "currency"),
        ({"interval": "year"}, "interval"),
        ({"interval": "week"}, "interval"),
        ({"interval": None}, "interval"),
        ({"country": "us"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"country": ""}, "country"),
        ({"city": ""}, "city"),
        ({"address_line1": ""}, "address_line1"),
        ({"billing_email": ""}, "billing_email"),
        ({"billing_email": "x"}, "billing_email"),
        ({"payment_method": "barter"}, "payment_method"),
        ({"tax_id": "x" * 33}, "tax_id"),
        ({"status": "active"}, "status"),
        ({"credits": 10**6}, "credits"),
    ],
)
def test_a_field_that_cannot_be_accepted_is_named_and_changes_nothing(anybody, digest, change, field):
    before = digest()

    answer = anybody.post("auth/register/", PAID | change)

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert digest() == before


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"email": NaN}',
        b'{"email": "a", "email": "b"}',
        b'{"account_name": "\\u0000"}',
        b'{"account_name": "\\ud800"}',
        b'{"account_name": "\\u202egnp.exe"}',
        b"\xff\xfe{}",
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b"[" * 100_000,
        b'{"a": 1' + b"0" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_cannot_be_read_is_malformed(anybody, digest, body):
    before = digest()

    assert is_problem(anybody.post_raw("auth/register/", body), 400, "malformed-request")
    assert digest() == before


def test_a_body_may_have_a_quarter_of_a_megabyte(anybody):
    assert is_problem(anybody.post_raw("auth/register/", b'"' + b"x" * 300_000 + b'"'), 413, "payload-too-large")


def test_only_json_is_read(anybody):
    answer = anybody.post_raw("auth/register/", b"email=a", "application/x-www-form-urlencoded")

    assert is_problem(answer, 415, "unsupported-media-type")


def test_an_address_can_sign_up_once_however_it_is_spelled(anybody, digest):
    assert anybody.post("auth/register/", FREE).status_code == 201
    before = digest()

    answer = anybody.post("auth/register/", FREE | {"email": "ANN@Acme.TEST"})

    assert is_problem(answer, 409, "conflict")
    assert digest() == before


def test_a_plan_may_be_paid_for_a_year(anybody):
    PlanPrice.objects.create(plan=Plan.objects.get(code="starter"), currency="USD", interval="year", amount=890)

    answer = anybody.post("auth/register/", PAID | {"interval": "year"}).json()

    assert (answer["subscription"]["interval"], answer["subscription"]["price"]) == ("year", "890.00")
    assert answer["invoice"]["total"] == "890.00"


def test_a_plan_is_paid_for_a_month_where_nobody_says_otherwise(anybody):
    PlanPrice.objects.create(plan=Plan.objects.get(code="starter"), currency="USD", interval="year", amount=890)

    assert anybody.post("auth/register/", PAID).json()["subscription"]["interval"] == "month"


def test_free_is_free_for_a_year_too(anybody):
    assert anybody.post("auth/register/", FREE | {"interval": "year"}).status_code == 201


def test_invoice_numbers_count_without_a_gap(anybody):
    for n in range(3):
        anybody.post("auth/register/", PAID | {"email": f"a{n}@acme.test"})
        anybody.post("auth/register/", PAID | {"email": "bad"})

    numbers = Invoice.objects.order_by("number").values_list("number", "issued_on__year")
    assert [number for number, _ in numbers] == [f"INV-{year}-{n:06}" for n, (_, year) in enumerate(numbers, start=1)]
    assert len(numbers) == 3


def test_signing_in_gives_a_token_that_works(anybody):
    anybody.post("auth/register/", FREE)

    answer = anybody.post("auth/login/", {"email": "Ann@ACME.test", "password": FREE["password"]})

    assert answer.status_code == 200
    me = anybody.get("auth/me/", Authorization=f"Bearer {answer.json()['token']}")
    assert me.json()["user"]["email"] == "ann@acme.test"
    assert me.json()["role"] == "owner"


@pytest.mark.parametrize(
    "body", [{"email": "ann@acme.test", "password": "wrong"}, {"email": "x@y.test", "password": "w"}]
)
def test_a_wrong_password_and_an_unknown_address_look_alike(anybody, body):
    anybody.post("auth/register/", FREE)

    answer = anybody.post("auth/login/", body)

    assert is_problem(answer, 401, "invalid-credentials")
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@b.test"}, {"email": {}, "password": "x"}, {"email": "a", "password": [1]}]
)
def test_signing_in_needs_both(anybody, body):
    assert is_problem(anybody.post("auth/login/", body), 400, "validation-error")


def test_a_token_is_worth_nothing_after_signing_out(anybody):
    token = anybody.post("auth/register/", FREE).json()["token"]
    anybody.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    assert anybody.post("auth/logout/").status_code == 204
    assert is_problem(anybody.get("auth/me/"), 401, "authentication-required")
