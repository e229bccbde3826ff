from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from core.models import Account, Industry, Membership, Plan, PlanPrice, Subscription
from engine import perform
from tests.factories import MembershipFactory, PaymentMethodFactory, PlanFactory, StaffFactory
from tests.web.conftest import signed_in
from workflows.actions import cancel_at_period_end, choose_plan, claim_payment, sign_up
from workflows.actions.sites import Excess, excess_of, open_site

pytestmark = pytest.mark.django_db

PLAN, KEEP = reverse("plan"), reverse("keep_plan")
SITES, PEOPLE = "Sites: 3 in use, the plan has room for 1.", "People: 2 in the account, the plan has room for 1."
BILLING = {"billing_email": "bills@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"}


@pytest.fixture
def plans():
    rows = {
        "small": PlanFactory(code="small", name="Small", price=Decimal(20)),
        "large": PlanFactory(code="large", name="Large", price=Decimal(90)),
    }
    Plan.objects.filter(code="small").update(max_sites=1, max_users=1)
    return {code: Plan.objects.get(pk=row.pk) for code, row in rows.items()}


@pytest.fixture
def owner(plans, run_effects):
    """Of an active account on the large plan, with three sites and two people."""
    signed = sign_up(
        email="ann@acme.test", password="a fairly long one", account_name="Acme", plan=plans["large"].code,
        currency="USD", billing=BILLING,
    )  # fmt: skip
    claim = claim_payment(
        invoice=signed.invoice, method=PaymentMethodFactory(), amount=Decimal(90), currency="USD", reference="A",
        by=signed.user,
    )  # fmt: skip
    perform(claim.approve, by=StaffFactory())
    run_effects()
    industry = Industry.objects.create(name="Bakery")
    for name in ("A", "B", "C"):
        open_site(signed.account, name=name, industry=industry, by=signed.user)
    MembershipFactory(account=signed.account, role=Membership.Role.MEMBER)
    return signed.user


def text_of(answer):
    return answer.content.decode()


def test_plan_page_says_what_is_too_many_for_which_plan_before_it_is_chosen(owner):
    page = text_of(signed_in(owner).get(PLAN))

    small, large = (page.partition(f'value="{code}"')[2].partition("</label>")[0] for code in ("small", "large"))
    assert f"{SITES} {PEOPLE}" in small
    assert "in use" not in large


def test_smaller_plan_is_taken_and_says_at_once_what_is_too_many(owner):
    client = signed_in(owner)

    page = text_of(client.post(reverse("change_plan"), {"plan": "small"}, follow=True))

    assert Subscription.objects.get().next_plan.code == "small"
    assert page.partition("<main")[2].count(f"{SITES} {PEOPLE}") == 2  # the message, and the card
    assert "More is in use than your next plan allows" in page


def test_banner_stands_until_everything_fits(owner, plans):
    account = owner.membership.account
    Subscription.objects.update(plan=plans["small"])
    client = signed_in(owner)

    def banner():
        return text_of(client.get(reverse("members"))).partition("<main")[0]

    assert "More is in use than your plan allows" in banner()
    assert SITES in banner()
    assert PEOPLE in banner()
    account.sites.filter(name__in=["B", "C"]).delete()
    assert SITES not in banner()
    assert PEOPLE in banner()
    account.memberships.exclude(user=owner).delete()
    assert "More is in use" not in banner()


def test_excess_over_a_plan_is_computed_for_any_plan(owner, plans):
    account = owner.membership.account

    assert excess_of(account) == {}
    assert excess_of(account, plans["small"]) == {"sites": Excess(3, 1), "users": Excess(2, 1)}
    Plan.objects.filter(code="small").update(max_sites=3, max_users=None)
    assert excess_of(account, Plan.objects.get(code="small")) == {}  # as many as there is room for is not too many


def test_keeping_the_plan_takes_a_smaller_one_back(owner, plans):
    client = signed_in(owner)
    assert KEEP not in text_of(client.get(PLAN))
    choose_plan(owner.membership.account, plans["small"], by=owner)
    assert KEEP in text_of(client.get(PLAN))

    page = text_of(client.post(KEEP, follow=True))

    assert "You keep your plan." in page
    assert Subscription.objects.get().next_plan is None
    assert KEEP not in page


def test_keeping_what_is_kept_already_says_so_and_changes_nothing(owner):
    page = text_of(signed_in(owner).post(KEEP, follow=True))

    assert "The plan is Large already." in page
    assert Subscription.objects.get().version == Account.objects.get().subscriptions.get().version


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_only_owners_and_admins_keep_the_plan(owner, plans, role):
    choose_plan(owner.membership.account, plans["small"], by=owner)
    client = signed_in(MembershipFactory(account=owner.membership.account, role=role).user)

    assert KEEP not in text_of(client.get(PLAN))
    assert client.post(KEEP).status_code == 403
    assert Subscription.objects.get().next_plan == plans["small"]


def test_account_without_a_plan_has_none_to_keep(plans):
    assert signed_in(MembershipFactory().user).post(KEEP).status_code == 404


def test_keeping_the_plan_takes_a_cancellation_back(owner):
    client = signed_in(owner)
    cancel_at_period_end(Subscription.objects.get(), by=owner)
    assert KEEP in text_of(client.get(PLAN))

    page = text_of(client.post(KEEP, follow=True))

    assert "You keep your plan." in page
    assert not Subscription.objects.get().cancel_at_period_end


def test_plan_by_the_year_is_chosen_on_the_page_for_the_next_period(owner, plans):
    PlanPrice.objects.create(plan=plans["large"], currency="USD", interval="year", amount=Decimal("900.00"))
    client = signed_in(owner)
    page = text_of(client.get(PLAN, {"interval": "year"}))
    assert "900.00" in page

    page = text_of(
        client.post("/app/plan/change/", {"plan": "large", "interval": "year", "currency": "USD"}, follow=True)
    )

    assert "paid by the year" in page
    assert Subscription.objects.get().next_interval == "year"
