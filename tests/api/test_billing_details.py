"""The 8 billing fields in auth/register/ and PATCH account/."""
# ruff: noqa: RUF001 - digits and letters of other scripts are meant

from __future__ import annotations

import pytest

from core.models import Account, Invoice
from tests.api.conftest import is_problem
from tests.api.test_registration import FREE, PAID
from tests.factories import PaymentMethodFactory, PlanFactory

GERMAN = PAID | {"country": "DE", "city": "Berlin", "postal_code": "10115", "tax_id": "DE136695976"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def offered():
    PlanFactory()
    PlanFactory(code="free", name="Free", trial_days=14, price=0)
    PaymentMethodFactory()
    PaymentMethodFactory(code="intl_wire", country="")


@pytest.fixture
def owner(anybody):
    """The owner of a German account, who is signed in."""
    token = anybody.post("auth/register/", GERMAN | {"payment_method": "intl_wire"}).json()["token"]
    anybody.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return anybody


def patch(caller, body):
    return caller.client.patch("/api/v1/account/", body, format="json")


@pytest.mark.parametrize("plan", [PAID, FREE], ids=["paid", "free"])
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"country": "US", "tax_id": "DE136695976"}, "tax_id"),
        ({"country": "US", "tax_id": "１２-345678"}, "tax_id"),
        ({"country": "DE", "tax_id": "DE136695977"}, "tax_id"),
        ({"country": "PK", "tax_id": "none"}, "tax_id"),
        ({"country": "US", "postal_code": "1234"}, "postal_code"),
        ({"country": "GB", "postal_code": "62701"}, "postal_code"),
        ({"country": "DE", "postal_code": "١٠١١"}, "postal_code"),
    ],
)
def test_details_that_do_not_go_together_are_named_and_nothing_is_written(anybody, digest, plan, change, field):
    before = digest()

    answer = anybody.post("auth/register/", plan | change)

    assert is_problem(answer, 400, "validation-error")
    assert set(answer.json()["errors"]) == {field}
    assert all(isinstance(line, str) for line in answer.json()["errors"][field])
    assert digest() == before


@pytest.mark.parametrize(
    "details",
    [
        {"country": "US", "postal_code": "62701", "tax_id": "12-3456789"},
        {"country": "DE", "postal_code": "10115", "tax_id": "DE136695976"},
        {"country": "IN", "postal_code": "110001", "tax_id": "27AAPFU0939F1ZV"},
        {"country": "PK", "postal_code": "54000", "tax_id": "1234567-8"},
        {"country": "AE", "postal_code": "", "tax_id": "100123456700003"},
        {"country": "HK", "postal_code": "", "tax_id": ""},
        {"country": "EG", "postal_code": "١٢٣٤٥", "tax_id": ""},
        {"country": "JP", "postal_code": "〒１００ー０００１", "tax_id": "Ｔ５８３５６７８２５６２４６"},
    ],
    ids=lambda details: details["country"],
)
def test_a_business_signs_up_with_the_details_it_has_and_its_invoice_shows_them_as_typed(anybody, details):
    answer = anybody.post("auth/register/", PAID | {"payment_method": "intl_wire"} | details)

    assert answer.status_code == 201, answer.json()
    snapshot = Invoice.objects.get().metadata["billing_snapshot"]
    assert {name: snapshot[name] for name in details} == details


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"country": "FR"}, {"tax_id"}),
        ({"country": "PK", "postal_code": "54000"}, {"tax_id"}),
        ({"country": "GB", "postal_code": "SW1A 1AA", "tax_id": "DE136695976"}, {"tax_id"}),
        ({"country": "CA"}, {"tax_id", "postal_code"}),
        ({"postal_code": "SW1A 1AA"}, {"postal_code"}),
        ({"tax_id": "GB980780684"}, {"tax_id"}),
    ],
)
def test_a_change_of_country_leaves_nothing_of_the_old_one_behind(owner, digest, change, fields):
    before = digest()

    answer = patch(owner, {"name": "New", **change})

    assert is_problem(answer, 400, "validation-error")
    assert set(answer.json()["errors"]) == fields
    assert digest() == before


def test_an_account_moves_with_all_its_details(owner):
    answer = patch(owner, {"country": "GB", "city": "London", "postal_code": "SW1A 1AA", "tax_id": "GB 980 7806 84"})

    assert answer.status_code == 200
    assert answer.json()["tax_id"] == "GB 980 7806 84"
    account = Account.objects.get()
    assert (account.country, account.postal_code, account.tax_id) == ("GB", "SW1A 1AA", "GB 980 7806 84")
    assert Invoice.objects.get().metadata["billing_snapshot"]["tax_id"] == "DE136695976"


def test_other_fields_change_alone(owner):
    assert patch(owner, {"city": "Köln", "postal_code": "50667"}).status_code == 200
    assert patch(owner, {"name": "Neu"}).json()["city"] == "Köln"
    assert patch(owner, {}).status_code == 200
