"""Time zones by the API: auth/register/ and account/."""

from __future__ import annotations

import pytest

from core.models import Account
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    PaymentMethodFactory,
    PlanFactory,
)

pytestmark = pytest.mark.django_db
FREE = {"email": "ann@acme.test", "password": "a fairly long one", "account_name": "Acme"}
PAID = {
    **FREE,
    "plan": "starter",
    "payment_method": "intl_wire",
    "billing_email": "bills@acme.test",
    "address_line1": "1 Mall Road",
    "city": "Lahore",
    "country": "PK",
}
NO_ZONES = [
    "localtime",
    "Factory",
    "posixrules",
    "Mars/Olympus",
    "Europe",
    "asia/karachi",
    "",
    None,
    5,
    ["UTC"],
    "a\nb",
]


@pytest.fixture(autouse=True)
def offered():
    PlanFactory()
    PlanFactory(code="free", name="Free", trial_days=14, price=0)
    PaymentMethodFactory(code="intl_wire", country="")


@pytest.mark.parametrize(
    ("body", "zone"),
    [
        ({**FREE, "time_zone": "Asia/Karachi"}, "Asia/Karachi"),
        ({**FREE, "time_zone": "Asia/Calcutta"}, "Asia/Kolkata"),
        ({**PAID, "time_zone": "Europe/London"}, "Europe/London"),
        (PAID, "Asia/Karachi"),
        (FREE, "UTC"),
    ],
    ids=["given", "old name", "given, other country", "country", "neither"],
)
def test_registering_takes_the_zone_that_is_given_else_the_country_s_else_utc(anybody, body, zone):
    answer = anybody.post("auth/register/", body)

    assert answer.status_code == 201, answer.content
    assert (answer.json()["account"]["time_zone"], Account.objects.get().time_zone) == (zone, zone)


@pytest.mark.parametrize("zone", NO_ZONES)
def test_registering_with_what_is_no_zone_is_refused_and_changes_nothing(anybody, digest, zone):
    before = digest()

    answer = anybody.post("auth/register/", {**FREE, "time_zone": zone})

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["time_zone"]
    assert digest() == before


@pytest.mark.parametrize("zone", NO_ZONES)
def test_changing_an_account_to_what_is_no_zone_is_refused(zone):
    owner = Caller(MembershipFactory(account=AccountFactory(time_zone="Asia/Karachi")).user)

    answer = owner.client.patch("/api/v1/account/", {"time_zone": zone}, format="json")

    assert is_problem(answer, 400, "validation-error")
    assert Account.objects.get().time_zone == "Asia/Karachi"


def test_old_name_of_a_zone_is_kept_under_its_present_one():
    owner = Caller(MembershipFactory().user)

    answer = owner.client.patch("/api/v1/account/", {"time_zone": "America/Buenos_Aires"}, format="json")

    assert answer.json()["time_zone"] == "America/Argentina/Buenos_Aires"
    assert Account.objects.get().time_zone == "America/Argentina/Buenos_Aires"
