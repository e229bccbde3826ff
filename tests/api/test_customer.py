from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest

from core.models import Account, Industry, PlanPrice, SiteUserAccess
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PlanFactory,
    StaffFactory,
)
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    PlanFactory(code="free", name="Free", max_sites=1, max_users=2, price=Decimal(0))
    account = AccountFactory(status="trial")
    post([grant(account, 100, key="g", description="", cause_id=None)])
    return account


@pytest.fixture
def people(account):
    return {role: Caller(MembershipFactory(account=account, role=role).user) for role in ("owner", "viewer")}


def test_credits_are_used_once_for_a_reference(people):
    first = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-1"})
    again = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-1"})
    short = people["owner"].post("credits/consume/", {"amount": 60, "reference": "job-2"})

    assert (first.status_code, first.json()["balance_after"]) == (201, 40)
    assert again.json() == first.json()
    assert is_problem(short, 402, "insufficient-credits")
    assert people["viewer"].get("credits/").json() == {"credits": 40}


@pytest.mark.parametrize("amount", [0, -1, "x", 1.5, None, True, 10**10])
def test_nothing_else_than_credits_is_used(people, amount, digest):
    before = digest()

    answer = people["owner"].post("credits/consume/", {"amount": amount, "reference": "r"})

    if amount is not True:  # JSON's true is 1 to nobody but Python
        assert is_problem(answer, 400, "validation-error")
        assert digest() == before


def test_only_owners_and_admins_change_the_account(people, account):
    change = {"name": "Acme Ltd", "country": "PK", "city": "Karachi", "time_zone": "Asia/Karachi"}

    assert is_problem(
        people["viewer"].client.patch("/api/v1/account/", change, format="json"), 403, "permission-denied"
    )
    answer = people["owner"].client.patch("/api/v1/account/", change, format="json")

    assert answer.status_code == 200
    assert answer.json()["country"] == "PK"
    for bad in ({"status": "active"}, {"credits": 5}, {"country": "ZZ"}, {"time_zone": "Mars"}, {"name": ""}):
        answer = people["owner"].client.patch("/api/v1/account/", bad, format="json")
        assert is_problem(answer, 400, "validation-error")


def test_people_are_let_in_up_to_the_plan_s_limit(people, account):
    owner = people["owner"]
    body = {"email": "new@acme.test", "role": "admin"}

    assert is_problem(owner.post("account/members/", body), 409, "conflict")
    account.memberships.filter(role="viewer").delete()
    member = owner.post("account/members/", body)

    assert (member.status_code, member.json()["status"]) == (201, "invited")
    path = f"/api/v1/account/members/{member.json()['id']}/"
    assert owner.client.patch(path, {"role": "viewer"}, format="json").json()["role"] == "viewer"
    assert owner.client.delete(path).status_code == 204
    mine = owner.get("account/members/").json()["results"][0]["id"]
    assert is_problem(owner.client.delete(f"/api/v1/account/members/{mine}/"), 409, "conflict")
    assert is_problem(owner.client.delete(f"/api/v1/account/members/{uuid4()}/"), 404, "not-found")


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


def test_a_plan_is_chosen_for_a_year(people, account):
    PlanPrice.objects.create(plan=PlanFactory(), currency="USD", interval="year", amount=890)

    answer = people["owner"].post("billing/subscriptions/", {"plan": "starter", "interval": "year"})

    assert answer.json()["subscription"]["interval"] == "year"
    assert answer.json()["invoice"]["total"] == "890.00"
    bad = people["owner"].post("billing/subscriptions/", {"plan": "starter", "interval": "week"})
    assert is_problem(bad, 400, "validation-error")


def test_a_claim_is_taken_back(digest):
    payment = PaymentFactory()
    path = f"billing/payments/{payment.pk}/withdraw/"

    assert is_problem(Caller(MembershipFactory().user).post(path), 404, "not-found")
    assert is_problem(Caller(StaffFactory()).post(path), 403, "permission-denied")
    assert Caller(payment.submitted_by).post(path).json()["status"] == "cancelled"
    assert is_problem(Caller(payment.submitted_by).post(path), 409, "wrong-state")


def test_money_left_over_is_shown(run_effects):
    payment = PaymentFactory(amount=Decimal("100.00"))
    perform(payment.approve, by=StaffFactory())
    run_effects()

    answer = Caller(payment.submitted_by).get("billing/balance/")

    assert answer.json() == {"balances": [{"currency": "USD", "amount": "11.00"}]}


def test_a_site_is_opened_by_a_member_who_then_manages_it(people, account):
    industry = Industry.objects.create(name="Retail")
    owner = people["owner"]
    body = {"name": "Shop", "industry": str(industry.pk)}

    assert is_problem(people["viewer"].post("sites/", body), 403, "permission-denied")
    assert is_problem(owner.post("sites/", {"name": "Shop"}), 400, "validation-error")
    assert is_problem(owner.post("sites/", body | {"industry": str(uuid4())}), 400, "validation-error")
    site = owner.post("sites/", body)

    assert site.status_code == 201
    assert SiteUserAccess.objects.get().role == "manager"
    assert is_problem(owner.post("sites/", body | {"name": "Second"}), 409, "conflict")
    key = site.json()["id"]
    assert is_problem(Caller(MembershipFactory().user).get(f"sites/{key}/"), 404, "not-found")
    renamed = owner.client.patch(f"/api/v1/sites/{key}/", {"name": "Store"}, format="json")
    assert renamed.json()["name"] == "Store"
    access = owner.post(
        f"sites/{key}/access/", {"email": account.memberships.get(role="viewer").user.email, "role": "editor"}
    )
    assert access.status_code == 201
    assert len(people["viewer"].get(f"sites/{key}/access/").json()["results"]) == 2
    assert is_problem(
        owner.post(f"sites/{key}/access/", {"email": "x@y.test", "role": "editor"}), 400, "validation-error"
    )
    assert is_problem(people["viewer"].client.delete(f"/api/v1/sites/{key}/"), 403, "permission-denied")
    assert owner.client.delete(f"/api/v1/sites/{key}/").status_code == 204


def test_issued_invoice_keeps_its_billing_details():
    invoice = InvoiceFactory()
    owner = Caller(MembershipFactory(account=invoice.account).user)
    before = owner.get(f"billing/invoices/{invoice.pk}/").json()["metadata"]

    owner.client.patch("/api/v1/account/", {"city": "Elsewhere"}, format="json")

    assert owner.get(f"billing/invoices/{invoice.pk}/").json()["metadata"] == before
