from __future__ import annotations

import pytest

from core.models import Account, Industry, PlanPrice, Subscription
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    MembershipFactory,
    PlanFactory,
)
from workflows.actions import choose_plan
from workflows.actions.sites import open_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(signed):
    return Caller(signed.user)


@pytest.mark.happy("GET billing/subscriptions/", "GET billing/subscriptions/{id}/")
def test_member_reads_the_subscriptions(owner, signed):
    MembershipFactory()

    [row] = owner.get("billing/subscriptions/").json()["results"]

    assert (row["id"], row["plan"], row["status"]) == (str(signed.subscription.pk), "large", "active")
    assert owner.get(f"billing/subscriptions/{signed.subscription.pk}/").json() == row


@pytest.mark.happy("POST billing/subscriptions/", "POST billing/subscriptions/{id}/cancel/")
def test_a_plan_is_chosen_and_dropped(people, account):
    PlanFactory()
    owner = people["owner"]

    answer = owner.post("billing/subscriptions/", {"plan": "starter"})

    assert answer.status_code == 201, answer.content
    assert answer.json()["invoice"]["status"] == "pending"
    assert Account.objects.get().status == "trial"
    key = answer.json()["subscription"]["id"]
    assert is_problem(people["viewer"].post(f"billing/subscriptions/{key}/cancel/"), 403, "permission-denied")
    late = owner.post(f"billing/subscriptions/{key}/cancel/", {"at_period_end": True})
    assert is_problem(late, 409, "wrong-state")
    assert owner.post(f"billing/subscriptions/{key}/cancel/").json()["status"] == "cancelled"
    for bad in ({"plan": "gold"}, {}, {"plan": "starter", "currency": "XAU"}, {"plan": "free"}):
        assert is_problem(owner.post("billing/subscriptions/", bad), 400, "validation-error")


@pytest.mark.happy("POST billing/subscriptions/{id}/keep/")
def test_plan_is_kept_after_a_smaller_one_was_chosen(owner, signed, plans):
    choose_plan(signed.account, plans["small"], by=signed.user)
    path = f"billing/subscriptions/{signed.subscription.pk}/keep/"

    kept = owner.post(path)

    assert (kept.status_code, kept.json()["plan"], kept.json()["next_plan"]) == (200, "large", None)
    assert is_problem(owner.post(path), 409, "conflict")  # nothing to take back


def test_a_plan_is_chosen_for_a_year(people, account):
    PlanPrice.objects.create(plan=PlanFactory(), currency="USD", interval="year", amount=890)

    answer = people["owner"].post("billing/subscriptions/", {"plan": "starter", "interval": "year"})

    assert answer.json()["subscription"]["interval"] == "year"
    assert answer.json()["invoice"]["total"] == "890.00"
    bad = people["owner"].post("billing/subscriptions/", {"plan": "starter", "interval": "week"})
    assert is_problem(bad, 400, "validation-error")


def test_plan_that_is_over_is_not_kept_but_chosen_again(owner, signed, run_effects):
    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    answer = owner.post(f"billing/subscriptions/{signed.subscription.pk}/keep/")

    assert is_problem(answer, 409, "wrong-state")
    assert Subscription.objects.count() == 1


def test_answer_to_a_smaller_plan_names_what_is_too_many(owner, signed, plans):
    industry = Industry.objects.create(name="Bakery")
    for name in ("A", "B", "C"):
        open_site(signed.account, name=name, industry=industry, by=signed.user)
    MembershipFactory(account=signed.account, role="member")
    too_many = {"sites": {"used": 3, "limit": 1}, "users": {"used": 2, "limit": 1}}

    assert owner.get("account/").json()["over_limit"] == {}
    chosen = owner.post("billing/subscriptions/", {"plan": "small"})
    assert (chosen.status_code, chosen.json()["over_limit"]) == (201, too_many)
    assert owner.get("account/").json()["over_limit"] == {}  # not yet
    Subscription.objects.update(plan=plans["small"])
    assert owner.get("account/").json()["over_limit"] == too_many
