from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission

from core.models import Account, Industry, PaymentMethod, Plan, Site
from core.problems import Conflict, Problem, WrongState
from engine import perform
from tests.api.caller import Caller
from tests.factories import (
    AccountFactory,
    InvoiceFactory,
    MembershipFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
)
from workflows.actions import change_account, choose_plan, claim_payment, close_account, invitations, sign_up
from workflows.actions.credits import consume
from workflows.actions.members import remove_or_leave
from workflows.actions.service_rules import Act, may
from workflows.actions.sites import excess_of, open_site, plan_of
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db

WAYS = {
    "trial": ("trial",),
    "pending_payment": ("pending_payment",),
    "active": ("trial", "activate"),
    "past_due": ("trial", "activate", "fall_behind"),
    "suspended": ("trial", "activate", "fall_behind", "suspend"),
    "expired": ("trial", "expire"),
    "closed": ("trial", "close"),
}
# Which verbs work in which state. What is not here is refused, and changes nothing.
WORKS = {
    "open_site": {"trial", "pending_payment", "active", "past_due"},
    "invite": {"trial", "pending_payment", "active", "past_due"},
    "use_credits": {"trial", "active", "past_due"},
    "change": set(WAYS) - {"closed"},
    "let_go": set(WAYS) - {"closed"},
    "claim": set(WAYS),  # for an invoice that is still open, wherever that may be
    "choose_plan": set(WAYS) - {"closed"},
    "close": set(WAYS) - {"closed"},
    "read": set(WAYS),
}


@pytest.fixture
def plans():
    return {
        "free": PlanFactory(code="free", price=0, max_sites=1, max_users=1),
        "scale": PlanFactory(code="scale", price=Decimal("449.00"), max_sites=50, max_users=50),
    }


def account_in(state):
    born, *verbs = WAYS[state]
    account = AccountFactory(status=born)
    staff = StaffFactory()
    staff.user_permissions.add(Permission.objects.get(codename="manage_accounts"))
    post([grant(account, 10, key="g", description="", cause_id=None)])
    owner = MembershipFactory(account=account).user
    for verb in verbs:
        perform(getattr(account, verb), **({"by": staff} if verb == "close" else {}))
    return SimpleNamespace(account=account, owner=owner)


def open_a_site(about):
    return open_site(about.account, name="Shop", industry=Industry.objects.create(name="Shops"), by=about.owner)


def invite(about):
    Plan.objects.filter(code="free").update(max_users=5)
    return invitations.invite(about.account, email="new@acme.test", role="member", by=about.owner)


def let_somebody_go(about):
    return remove_or_leave(MembershipFactory(account=about.account, role="member"), by=about.owner)


def claim(about):
    invoice = InvoiceFactory(subscription__account=about.account)
    return claim_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=invoice.total,
        currency="USD",
        reference="R",
        by=about.owner,
    )


VERBS = {
    "open_site": open_a_site,
    "invite": invite,
    "use_credits": lambda about: consume(about.account, 1, reference="r", by=about.owner),
    "change": lambda about: change_account(about.account, by=about.owner, name="Another"),
    "let_go": let_somebody_go,
    "claim": claim,
    "choose_plan": lambda about: choose_plan(about.account, Plan.objects.get(code="scale"), by=about.owner),
    "close": lambda about: close_account(about.account, by=about.owner),
    "read": lambda about: [Caller(about.owner).get(path).json()["results"] for path in ("sites/", "credits/entries/")],
}


@pytest.mark.guards("S12", "workflows.actions.service_rules.ALLOWED")
@pytest.mark.parametrize("verb", WORKS)
@pytest.mark.parametrize("state", WAYS)
def test_verb_in_state_works_or_is_refused_in_words(state, verb, plans):
    """S12: a suspended and an expired account opened sites and invited people."""
    about = account_in(state)
    assert about.account.status == state

    if state in WORKS[verb]:
        VERBS[verb](about)
        return
    is_closed = state == "closed" and verb != "use_credits"
    with pytest.raises(Problem if is_closed else WrongState) as refusal:
        VERBS[verb](about)
    assert refusal.value.status == 409
    assert is_closed or refusal.value.members["object_status"] == state
    assert not Site.objects.exists()
    assert Account.objects.get().credits == 10


def test_every_state_and_every_act_has_its_answer():
    answers = {(state, act): may(Account(status=state), act) for state in Account.Status for act in Act}

    assert len(answers) == len(Account.Status) * len(Act)
    assert not any(answers["closed", act] for act in Act)


def signed_up(plan, billing=True):
    return sign_up(
        email="ann@acme.test",
        password="correct horse battery",
        account_name="Acme",
        plan=plan.code,
        currency="USD",
        billing={
            "billing_email": "bills@acme.test" if billing else "",
            "address_line1": "1 High Street",
            "city": "Springfield",
            "country": "US",
            "address_line2": "",
            "state": "",
            "postal_code": "",
            "tax_id": "",
        },
    )


@pytest.mark.guards("S12", "workflows.actions.sites.plan_of")
def test_trial_that_chose_a_large_plan_and_paid_nothing_keeps_the_limits_of_the_free_plan(plans):
    """S12: six further sites and three owners, for a choice that costs nothing."""
    new = signed_up(plans["free"])
    choose_plan(new.account, plans["scale"], by=new.user)
    industry = Industry.objects.create(name="Shops")
    open_site(new.account, name="One", industry=industry, by=new.user)

    with pytest.raises(Conflict, match="room for 1 site"):
        open_site(new.account, name="Two", industry=industry, by=new.user)
    with pytest.raises(Conflict, match="room for 1 person"):
        invitations.invite(new.account, email="b@acme.test", role="owner", by=new.user)
    assert plan_of(new.account) == plans["free"]


@pytest.mark.guards("S12", "workflows.actions.sites.plan_of")
def test_paid_sign_up_opens_one_site_at_once_and_as_many_as_its_plan_has_room_for_once_it_has_paid(
    plans, run_effects, mailoutbox
):
    """S12, and the contract: a site right after a paid sign-up."""
    new = signed_up(plans["scale"])
    industry = Industry.objects.create(name="Shops")
    open_site(new.account, name="One", industry=industry, by=new.user)
    with pytest.raises(Conflict, match="room for 1 site"):
        open_site(new.account, name="Two", industry=industry, by=new.user)

    payment = claim_payment(
        invoice=new.invoice,
        method=PaymentMethodFactory(),
        amount=new.invoice.total,
        currency="USD",
        reference="R",
        by=new.user,
    )
    perform(payment.approve, by=StaffFactory())
    run_effects()

    open_site(new.account, name="Two", industry=industry, by=new.user)
    assert invitations.invite(new.account, email="b@acme.test", role="member", by=new.user)


def test_what_is_over_the_limit_while_a_payment_is_awaited_stays_to_be_read(plans):
    """S12: nothing is taken away."""
    new = signed_up(plans["scale"])
    for name in ("One", "Two"):
        Site.objects.create(account=new.account, name=name, industry=Industry.objects.get_or_create(name="Shops")[0])

    assert excess_of(new.account)["sites"].used == 2
    assert len(Caller(new.user).get("sites/").json()["results"]) == 2
    assert Caller(new.user).get("account/").json()["over_limit"] == {"sites": {"used": 2, "limit": 1}}


def test_account_without_any_plan_named_free_has_the_smallest_limits_before_it_has_paid():
    PlanFactory(code="scale", max_sites=50, max_users=50)
    small = PlanFactory(code="small", max_sites=2, max_users=3)
    account = AccountFactory(status="pending_payment")
    InvoiceFactory(subscription__account=account, subscription__plan=Plan.objects.get(code="scale"))

    assert (plan_of(account).max_sites, plan_of(account).max_users) == (small.max_sites, small.max_users)


def test_refused_service_says_why_over_the_api(plans):
    about = account_in("suspended")

    answers = [
        Caller(about.owner).post("sites/", {"name": "A", "industry": str(Industry.objects.create(name="B").pk)}),
        Caller(about.owner).post("account/members/", {"email": "x@acme.test"}),
        Caller(about.owner).post("credits/consume/", {"amount": 1, "reference": "r"}),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")
        assert answer.json()["object_status"] == "suspended"
        assert "once its invoice is paid" in answer.json()["detail"]
    assert PaymentMethod.objects.count() == 0
