from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import Account, Industry, Plan, Subscription, User
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.api.scenario import BILLING
from tests.factories import PASSWORD, MembershipFactory, PaymentMethodFactory, PlanFactory, StaffFactory, UserFactory
from workflows.actions import choose_plan, claim_payment, sign_up
from workflows.actions.sites import open_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def plans():
    prices = {"free": "0.00", "small": "20.00", "large": "90.00"}
    rows = {code: PlanFactory(code=code, name=code.title(), price=Decimal(price)) for code, price in prices.items()}
    Plan.objects.filter(code="small").update(max_sites=1, max_users=1)
    Plan.objects.filter(code="free").update(trial_days=14)
    return rows


@pytest.fixture
def signed(plans, run_effects):
    """An active customer on the large plan."""
    new = sign_up(
        email="ann@acme.test",
        password=PASSWORD,
        account_name="Acme & Söhne",
        plan=plans["large"].code,
        currency="USD",
        billing=BILLING,
    )
    claim = claim_payment(
        invoice=new.invoice, method=PaymentMethodFactory(), amount=Decimal(90), currency="USD", reference="A",
        by=new.user,
    )  # fmt: skip
    perform(claim.approve, by=StaffFactory())
    run_effects()
    return new


@pytest.fixture
def owner(signed):
    return Caller(signed.user)


def test_owner_closes_the_account_and_reads_it_afterwards(owner, signed, run_effects):
    answer = owner.post("account/close/", {"account_name": "acme & söhne", "reason": "we moved"})
    run_effects()

    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    assert owner.get("billing/subscriptions/").json()["results"][0]["status"] == "cancelled"
    assert owner.get("account/").json()["status"] == "closed"
    for path, body in {
        "sites/": {"name": "x", "industry": str(Industry.objects.create(name="Bakery").pk)},
        "account/members/": {"email": "bob@acme.test"},
        "billing/subscriptions/": {"plan": "small"},
    }.items():
        assert is_problem(owner.post(path, body), 409, "conflict"), path
    assert is_problem(owner.post("credits/consume/", {"amount": 1, "reference": "r"}), 409, "wrong-state")
    assert is_problem(owner.post("account/close/", {"account_name": "Acme & Söhne"}), 409, "wrong-state")


@pytest.mark.parametrize("body", [{}, {"account_name": "Acme"}, {"account_name": "Acme & Söhne", "by": "x"}])
def test_account_stays_open_without_its_name(owner, signed, body):
    answer = owner.post("account/close/", body)

    assert is_problem(answer, 400, "validation-error")
    assert Account.objects.get(pk=signed.account.pk).status == "active"


def test_staff_close_an_account_for_a_reason(signed):
    manager = UserFactory(is_staff=True)
    manager.user_permissions.set(Permission.objects.filter(codename="manage_accounts"))
    staff, path = Caller(manager), f"billing/admin/accounts/{signed.account.pk}/close/"

    assert is_problem(staff.post(path, {"reason": ""}), 400, "validation-error")
    assert is_problem(staff.post(path), 400, "validation-error")
    assert is_problem(staff.post(f"billing/admin/accounts/{uuid4()}/close/", {"reason": "x"}), 404, "not-found")
    assert staff.post(path, {"reason": "asked by letter"}).json()["status"] == "closed"
    assert is_problem(staff.post(path, {"reason": "again"}), 409, "wrong-state")


def test_closed_customer_registers_again_and_signs_in_to_the_new_account(owner, signed, anybody):
    owner.post("account/close/", {"account_name": "Acme & Söhne"})

    new = anybody.post(
        "auth/register/", {"email": "ANN@acme.test", "password": "one more correct horse", "account_name": "Again"}
    )

    assert (new.status_code, new.json()["account"]["status"]) == (201, "trial")
    assert new.json()["user"]["id"] != str(signed.user.pk)
    assert owner.get("account/").status_code == 401
    signed_in = anybody.post("auth/login/", {"email": "ann@acme.test", "password": "one more correct horse"})
    assert signed_in.json()["account"]["name"] == "Again"
    old = anybody.post("auth/login/", {"email": "ann@acme.test", "password": PASSWORD})
    assert is_problem(old, 401, "invalid-credentials")


def test_second_free_trial_within_a_year_is_refused_with_the_paid_plans(plans, anybody):
    form = {"email": "ann@acme.test", "password": "a correct horse battery", "account_name": "Acme"}
    assert anybody.post("auth/register/", form).status_code == 201
    first = User.objects.get(email="ann@acme.test")
    Caller(first).post("account/close/", {"account_name": "Acme"})

    answer = anybody.post("auth/register/", form)

    assert is_problem(answer, 409, "conflict")
    assert answer.json()["plans"] == ["small", "large"]
    assert "Small, Large" in answer.json()["detail"]
    assert User.objects.get(email="ann@acme.test") == first
    assert anybody.post("auth/register/", {**form, **BILLING, "plan": "small"}).status_code == 201


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


def test_plan_is_kept_after_a_smaller_one_was_chosen(owner, signed, plans):
    choose_plan(signed.account, plans["small"], by=signed.user)
    path = f"billing/subscriptions/{signed.subscription.pk}/keep/"

    kept = owner.post(path)

    assert (kept.status_code, kept.json()["plan"], kept.json()["next_plan"]) == (200, "large", None)
    assert is_problem(owner.post(path), 409, "conflict")  # nothing to take back


def test_plan_that_is_over_is_not_kept_but_chosen_again(owner, signed, run_effects):
    perform(Subscription.objects.get().cancel, by=signed.user)
    run_effects()

    answer = owner.post(f"billing/subscriptions/{signed.subscription.pk}/keep/")

    assert is_problem(answer, 409, "wrong-state")
    assert Subscription.objects.count() == 1
