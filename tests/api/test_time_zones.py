from __future__ import annotations

from datetime import date

import pytest

from core.models import Account
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    PaymentMethodFactory,
    PlanFactory,
    SubscriptionFactory,
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
def test_registering_with_an_unknown_time_zone_changes_nothing(anybody, digest, zone):
    before = digest()

    answer = anybody.post("auth/register/", {**FREE, "time_zone": zone})

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == ["time_zone"]
    assert digest() == before


@pytest.mark.parametrize("zone", NO_ZONES)
def test_changing_an_account_to_an_unknown_time_zone_is_refused(zone):
    owner = Caller(MembershipFactory(account=AccountFactory(time_zone="Asia/Karachi")).user)

    answer = owner.client.patch("/api/v1/account/", {"time_zone": zone}, format="json")

    assert is_problem(answer, 400, "validation-error")
    assert Account.objects.get().time_zone == "Asia/Karachi"


def test_old_name_of_a_zone_is_kept_under_its_present_one():
    owner = Caller(MembershipFactory().user)

    answer = owner.client.patch("/api/v1/account/", {"time_zone": "America/Buenos_Aires"}, format="json")

    assert answer.json()["time_zone"] == "America/Argentina/Buenos_Aires"
    assert Account.objects.get().time_zone == "America/Argentina/Buenos_Aires"


def test_subscription_names_the_last_day_of_its_period_beside_the_first_that_is_not_paid_for():
    subscription = SubscriptionFactory()
    owner = Caller(MembershipFactory(account=subscription.account).user)

    waiting = owner.get(f"billing/subscriptions/{subscription.pk}/").json()
    perform(subscription.activate, on=date(2027, 5, 1), until=date(2027, 6, 1))
    active = owner.get(f"billing/subscriptions/{subscription.pk}/").json()

    days = ("period_start", "period_end", "period_last_day")
    assert [waiting[name] for name in days] == [None, None, None]
    assert [active[name] for name in days] == ["2027-05-01", "2027-06-01", "2027-05-31"]
