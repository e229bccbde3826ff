from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import Account, Industry, Membership, Plan
from engine.models import Transition
from tests.factories import AccountFactory, MembershipFactory, PlanFactory
from tests.web.conftest import signed_in
from workflows.actions import close_account, sign_up
from workflows.actions.sites import open_site

pytestmark = pytest.mark.django_db

CLOSE, SECURITY = reverse("close_account"), reverse("security")


@pytest.fixture
def owner():
    PlanFactory(code="free", name="Free", price=0)
    return MembershipFactory(account=AccountFactory(name="Acme & Söhne")).user


def status_of(user):
    return Account.objects.get(memberships__user=user).status


def test_owner_is_told_what_follows_and_closes_the_account_by_its_name(owner, run_effects):
    client = signed_in(owner)
    assert CLOSE in client.get(SECURITY).content.decode()
    page = client.get(CLOSE).content.decode()
    assert "It cannot be taken back." in page
    assert "Acme &amp; Söhne" in page

    answer = client.post(CLOSE, {"account_name": "acme & söhne", "reason": "we moved"}, follow=True)

    assert status_of(owner) == "closed"
    assert Transition.objects.get(machine="account", name="close").reason == "we moved"
    assert "This account is closed" in answer.content.decode()
    assert CLOSE not in client.get(SECURITY).content.decode()


@pytest.mark.parametrize("typed", ["", "Acme", "x" * 200, "Acme\x00"])
def test_another_name_closes_nothing_and_is_said_beside_the_field(owner, typed):
    answer = signed_in(owner).post(CLOSE, {"account_name": typed})

    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {"account_name"}
    assert status_of(owner) != "closed"


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_others_of_the_account_see_no_way_to_close_it(owner, role):
    account = owner.membership.account
    client = signed_in(MembershipFactory(account=account, role=role).user)

    assert CLOSE not in client.get(SECURITY).content.decode()
    assert client.get(CLOSE).status_code == 403
    assert client.post(CLOSE, {"account_name": account.name}).status_code == 403
    assert status_of(owner) != "closed"


def test_pages_of_a_closed_account_are_there_to_read_and_offer_no_change(owner, run_effects):
    account = owner.membership.account
    other = MembershipFactory(account=account, role="member")
    site = open_site(account, name="Main Street", industry=Industry.objects.create(name="Bakery"), by=owner)
    close_account(account, by=owner)
    run_effects()
    client = signed_in(owner)

    pages = {
        name: client.get(reverse(name)).content.decode()
        for name in ("dashboard", "invoices", "payments", "credits", "balance", "members", "sites", "plan", "billing")
    }
    pages["site"] = client.get(reverse("site", args=[site.pk])).content.decode()
    refused = {
        "member": client.post(reverse("member", args=[other.pk]), {"remove": "1"}, follow=True),
        "sites": client.post(reverse("sites"), {"name": "x", "industry": str(site.industry_id)}),
        "plan": client.post(reverse("change_plan"), {"plan": "starter"}, follow=True),
        "close": client.get(CLOSE),
    }

    for name, page in pages.items():
        main = page.partition("<main")[2]
        assert 'method="post"' not in main or name == "billing", name
    assert '<fieldset class="stack" disabled' in pages["billing"]
    assert refused["close"].status_code == 403
    assert Membership.objects.filter(pk=other.pk).exists()
    assert account.sites.count() == 1


def test_person_who_signed_up_again_is_told_so_by_the_sign_up_page(owner, client, shop):
    owner.set_password("a fairly long one")
    owner.save()
    close_account(owner.membership.account, by=owner)
    form = {"email": owner.email, "password": "another fairly long one", "account_name": "Mine", "plan": "free"}

    answer = client.post(reverse("sign_up"), form | {"interval": "month", "currency": "USD"})

    assert answer.status_code == 302
    assert Account.objects.filter(name="Mine", memberships__user__email=owner.email).exists()


def test_others_of_a_closed_account_are_not_shown_an_address_that_was_given_up(owner, shop):
    account = owner.membership.account
    admin = MembershipFactory(account=account, role="admin").user
    close_account(account, by=owner)
    free = Plan.objects.get(code="free")
    sign_up(email=owner.email, password=None, account_name="Mine", plan=free.code, currency="USD", billing={})

    page = signed_in(admin).get(reverse("members")).content.decode()

    assert "Somebody who has a new account" in page
    assert admin.email in page
    assert "former" not in page
