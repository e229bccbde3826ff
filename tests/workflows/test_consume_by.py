from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.db.transaction import atomic
from django.urls import reverse

from core.models import Account, CreditEntry, Industry, Membership, Site
from core.problems import PermissionDenied, ValidationError
from tests.api.caller import Caller, is_problem
from tests.factories import AccountFactory, MembershipFactory, StaffFactory
from tests.web.conftest import signed_in
from workflows.actions import change_account
from workflows.actions.credits import consume
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db

MAY = {
    "all": {"owner", "admin", "member", "viewer"},
    "member": {"owner", "admin", "member"},
    "admin": {"owner", "admin"},
}
OUT_OF_USE = {"member": "Viewers may not", "admin": "Only owners and admins may"}


@pytest.fixture
def account():
    account = AccountFactory(status="trial")
    post([grant(account, 100, key="g", description="", cause_id=None)])
    return account


@pytest.fixture
def people(account):
    return {role: MembershipFactory(account=account, role=role).user for role in Membership.Role.values}


@pytest.mark.guards("S19", "workflows.actions.credits.open_to_role")
@pytest.mark.parametrize("role", Membership.Role.values)
@pytest.mark.parametrize("setting", MAY)
def test_setting_says_which_roles_use_credits(account, people, setting, role):
    """S19: a viewer, who may not open a site, used 1,000 credits."""
    account = change_account(account, by=people["owner"], consume_by=setting)

    if role in MAY[setting]:
        assert consume(account, 5, reference="r", by=people[role]).balance_after == 95
    else:
        with pytest.raises(PermissionDenied, match=OUT_OF_USE[setting]):
            consume(account, 5, reference="r", by=people[role])
        assert Account.objects.get().credits == 100


def test_default_lets_all_of_the_account_use_credits(account, people):
    assert account.consume_by == "all"
    for role, person in people.items():
        consume(account, 1, reference=role, by=person)


@pytest.mark.guards("S19", "workflows.actions.credits.open_to_role")
def test_stranger_uses_no_credits_whatever_the_setting(account, people):
    """S19: the verb checks it for every caller."""
    for person in (MembershipFactory().user, StaffFactory(is_superuser=True)):
        with pytest.raises(PermissionDenied, match="belong to the account"):
            consume(account, 1, reference="r", by=person)


def test_setting_counts_as_it_is_in_the_database_not_as_it_was_read(account, people):
    before = Account.objects.get(pk=account.pk)
    change_account(account, by=people["owner"], consume_by="admin")

    with pytest.raises(PermissionDenied):
        consume(before, 1, reference="r", by=people["member"])


def test_reference_of_before_is_not_answered_to_whom_the_setting_leaves_out(account, people):
    consume(account, 1, reference="r", by=people["viewer"])
    change_account(account, by=people["owner"], consume_by="member")

    with pytest.raises(PermissionDenied):
        consume(account, 1, reference="r", by=people["viewer"])
    assert CreditEntry.objects.filter(kind="consume").count() == 1


@pytest.mark.guards("S19", "account_consume_by_known")
def test_database_refuses_an_unknown_setting(account):
    with pytest.raises(IntegrityError, match="account_consume_by_known"), atomic():
        Account.objects.update(consume_by="nobody")


def test_verb_refuses_an_unknown_setting(account, people):
    with pytest.raises(ValidationError) as refusal:
        change_account(account, by=people["owner"], consume_by="nobody")
    assert "consume_by" in refusal.value.members["errors"]


def test_api_shows_and_changes_the_setting(account, people):
    owner = Caller(people["owner"])
    assert owner.get("account/").json()["consume_by"] == "all"

    def patch(caller, value):
        return caller._checked(caller.client.patch("/api/v1/account/", {"consume_by": value}, format="json"))

    assert patch(owner, "admin").json()["consume_by"] == "admin"
    assert is_problem(patch(owner, "everybody"), 400, "validation-error")
    assert is_problem(patch(Caller(people["member"]), "all"), 403, "permission-denied")
    assert is_problem(
        Caller(people["member"]).post("credits/consume/", {"amount": 1, "reference": "r"}), 403, "permission-denied"
    )
    assert Caller(people["admin"]).post("credits/consume/", {"amount": 1, "reference": "r"}).status_code == 201


def test_page_changes_the_setting_and_shows_the_form_only_to_those_it_lets(account, people):
    site = Site.objects.create(account=account, name="Shop", industry=Industry.objects.create(name="Shops"))
    owner = signed_in(people["owner"])
    form = owner.get(reverse("billing")).context["form"]
    values = {name: form[name].value() or "" for name in form.fields}
    assert values["consume_by"] == "all"

    assert owner.post(reverse("billing"), values | {"consume_by": "admin"}).status_code == 302

    assert Account.objects.get(pk=account.pk).consume_by == "admin"
    shown = {role: signed_in(person).get(reverse("site", args=[site.pk])) for role, person in people.items()}
    assert {role for role, page in shown.items() if page.context["may_use"]} == {"owner", "admin"}
    values.pop("consume_by")  # a page from before there was such a field
    assert owner.post(reverse("billing"), values).status_code == 302
    assert Account.objects.get(pk=account.pk).consume_by == "admin"
