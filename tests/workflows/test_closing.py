from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection

from core.models import Industry, Membership, User
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from engine import perform
from engine.models import Effect, Transition
from tests.factories import MembershipFactory, StaffFactory, UserFactory
from tests.workflows.customers import kinds_of, status
from workflows.actions import change_account, choose_plan, close_account
from workflows.actions.invitations import invite
from workflows.actions.members import change_role, remove_or_leave
from workflows.actions.site_access import change_site, close_site, give_access
from workflows.actions.sites import open_site
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db


def nothing_is_found():
    with connection.cursor() as cursor:
        return not list(findings(cursor))


@pytest.fixture
def manager():
    staff = UserFactory(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="manage_accounts"))
    return staff


def test_closed_account_ends_its_subscription_and_is_told_once(active, run_effects, mailoutbox, live_through):
    signed = active()
    mailoutbox.clear()

    close_account(signed.account, by=signed.user, typed_name="Acme", reason="we moved")
    run_effects()
    live_through(60)

    assert status(signed.account, signed.subscription) == ["closed", "cancelled"]
    assert kinds_of(mailoutbox) == {"subscription_cancelled": 1}
    step = Transition.objects.get(machine="account", name="close")
    assert (step.actor, step.reason) == (signed.user, "we moved")
    assert nothing_is_found()


def test_claim_approved_after_closing_goes_to_balance(customer, pay, run_effects):
    signed = customer()
    claim = pay(signed.invoice, settle=False)

    close_account(signed.account, by=signed.user)
    run_effects()
    perform(claim.approve, by=StaffFactory())
    run_effects()

    assert status(signed.account, signed.invoice, claim) == ["closed", "void", "succeeded"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}


def test_closed_trial_lives_on_without_a_mail_or_a_finding(customer, run_effects, mailoutbox, live_through):
    signed = customer("free")
    mailoutbox.clear()

    close_account(signed.account, by=signed.user)
    run_effects()
    live_through(30)

    assert status(signed.account) == ["closed"]
    assert not mailoutbox
    assert nothing_is_found()


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_only_owners_of_account_close_it(active, role):
    signed = active()
    somebody = MembershipFactory(account=signed.account, role=role).user

    for refused in (somebody, MembershipFactory().user, StaffFactory(), StaffFactory(is_superuser=True)):
        with pytest.raises(PermissionDenied):
            close_account(signed.account, by=refused, reason="because")

    assert status(signed.account) == ["active"]


def test_staff_close_account_with_a_reason_only(active, manager):
    signed = active()

    with pytest.raises(ValidationError) as refusal:
        close_account(signed.account, by=manager, reason="  ")
    assert list(refusal.value.members["errors"]) == ["reason"]
    assert status(signed.account) == ["active"]

    close_account(signed.account, by=manager, reason="asked by letter")
    assert status(signed.account) == ["closed"]


@pytest.mark.parametrize("typed", ["acme", " ACME ", "\uff21cme"])
def test_typed_name_is_taken_however_it_is_written(active, typed):
    signed = active()

    close_account(signed.account, by=signed.user, typed_name=typed)

    assert status(signed.account) == ["closed"]


@pytest.mark.parametrize("typed", ["", "Acme Ltd", "Acm"])
def test_another_name_closes_nothing(active, typed):
    signed = active()

    with pytest.raises(ValidationError) as refusal:
        close_account(signed.account, by=signed.user, typed_name=typed)

    assert list(refusal.value.members["errors"]) == ["account_name"]
    assert status(signed.account) == ["active"]


def test_account_is_closed_once(active):
    signed = active()
    close_account(signed.account, by=signed.user)

    with pytest.raises(WrongState):
        close_account(signed.account, by=signed.user)


def test_no_verb_changes_a_closed_account(active, plans, run_effects):
    signed = active()
    account, owner = signed.account, signed.user
    industry = Industry.objects.create(name="Bakery")
    site = open_site(account, name="Main Street", industry=industry, by=owner)
    other = MembershipFactory(account=account, role="member")
    verbs = {
        "change": lambda: change_account(account, by=owner, city="Elsewhere"),
        "plan": lambda: choose_plan(account, plans["growth"], by=owner),
        "site": lambda: open_site(account, name="Side Street", industry=industry, by=owner),
        "rename": lambda: change_site(site, by=owner, name="Other Street"),
        "access": lambda: give_access(site, other, "editor", by=owner),
        "close site": lambda: close_site(site, by=owner),
        "invite": lambda: invite(account, email="eve@acme.test", role="member", by=owner),
        "role": lambda: change_role(other, "admin", by=owner),
        "let go": lambda: remove_or_leave(other, by=owner),
    }
    close_account(account, by=owner)
    run_effects()
    site.account.refresh_from_db()

    for verb in verbs.values():
        with pytest.raises(Conflict, match="closed"):
            verb()

    account.refresh_from_db()
    site.refresh_from_db()
    assert (account.city, site.name, account.sites.count()) == ("X", "Main Street", 1)
    assert sorted(account.memberships.values_list("role", flat=True)) == ["member", "owner"]


def test_invitation_of_an_account_closed_meanwhile_is_not_sent(active, run_effects, mailoutbox):
    signed = active()
    mailoutbox.clear()
    invite(signed.account, email="bob@acme.test", role="member", by=signed.user)

    close_account(signed.account, by=signed.user)
    run_effects()

    assert kinds_of(mailoutbox) == {"subscription_cancelled": 1}
    assert not Effect.objects.exclude(state="done").exclude(state="waiting").exists()


def test_people_of_a_closed_account_still_sign_in(active, client):
    signed = active()

    close_account(signed.account, by=signed.user)

    assert client.login(username="ann@acme.test", password="a fairly long one")
    assert User.objects.get(pk=signed.user.pk).role_in(signed.account.pk) == Membership.Role.OWNER
