"""Signing up with the address of a closed account: a new person, a new account, one trial a year."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.utils import timezone
from knox.models import AuthToken

from core.models import Account, Membership, User
from core.problems import Conflict
from engine.models import Effect
from tests.factories import AccountFactory, MembershipFactory, PlanFactory, UserFactory, make_staff_as_before
from tests.workflows.customers import status
from workflows.actions import close_account, sign_up
from workflows.actions.invitations import accept, invite
from workflows.actions.passwords import reset_password
from workflows.actions.personal import erase_person
from workflows.mail import signed_links
from workflows.mail.signed_links import invitation_token_of
from workflows.mail.verification import readers_of

pytestmark = pytest.mark.django_db

EMAIL, OLD, NEW = "ann@acme.test", "a fairly long one", "another fairly long one"
BILLING = {"billing_email": "bills@acme.test", "address_line1": "1 High Street", "city": "X", "country": "US"}


@pytest.fixture
def signs_up(plans):
    def sign(plan="starter", email="Ann@ACME.test"):
        return sign_up(
            email=email, password=NEW, account_name="Mine", plan=plans[plan].code, currency="USD", billing=BILLING
        )

    return sign


@pytest.fixture
def closed(active, run_effects):
    signed = active()
    close_account(signed.account, by=signed.user)
    run_effects()
    return signed


def test_address_of_closed_account_is_free_for_a_new_person(closed, signs_up, client):
    AuthToken.objects.create(closed.user)
    link = signed_links.RESET.token_of(closed.user)

    new = signs_up()

    old = User.objects.get(pk=closed.user.pk)
    assert new.user != old
    assert new.account != closed.account
    assert status(closed.account) == ["closed"]
    assert old.membership.account == closed.account
    assert (old.is_active, old.email.partition("@")[2]) == (False, "former.invalid")
    assert new.user.email == "Ann@ACME.test"
    assert not AuthToken.objects.filter(user=old).exists()
    assert not client.login(username=EMAIL, password=OLD)
    assert client.login(username=EMAIL, password=NEW)
    with pytest.raises(Exception, match="correct the fields"):
        reset_password(link, "one more fairly long one")


def test_new_person_sees_nothing_of_the_closed_account(closed, signs_up):
    new = signs_up()

    assert new.user.role_in(closed.account.pk) is None
    assert not Account.objects.visible_to(new.user).filter(pk=closed.account.pk).exists()


def test_person_of_closed_account_may_be_invited_elsewhere(closed):
    PlanFactory(code="free", max_users=None)
    host = MembershipFactory()

    invitation = invite(host.account, email=EMAIL, role="member", by=host.user)
    person = accept(invitation_token_of(invitation), password=NEW)

    assert person != closed.user
    assert person.role_in(host.account.pk) == "member"
    assert Membership.objects.get(user=closed.user).account == closed.account


def test_address_of_an_open_account_stays_taken(active, signs_up):
    active()

    with pytest.raises(Conflict, match="has an account already"):
        signs_up()


def test_person_disabled_by_staff_does_not_come_back(closed, signs_up):
    closed.user.is_active = False
    closed.user.save()

    with pytest.raises(Conflict):
        signs_up()


@pytest.mark.parametrize("trust", ["is_staff", "is_superuser", "permission"])
def test_staff_in_a_closed_account_keep_their_log_in(closed, signs_up, trust):
    if trust == "permission":
        closed.user.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    elif trust == "is_staff":
        make_staff_as_before(closed.user)
    else:
        User.objects.filter(pk=closed.user.pk).update(**{trust: True})

    with pytest.raises(Conflict):
        signs_up()

    assert User.objects.get(pk=closed.user.pk).email == EMAIL


def test_former_trial_gets_another_after_a_year_only(customer, signs_up, run_effects, clock):
    first = customer("free")
    close_account(first.account, by=first.user)
    run_effects()

    clock.advance(days=360)
    with pytest.raises(Conflict, match="Starter, Growth") as refusal:
        signs_up("free")
    assert refusal.value.members["plans"] == ["starter", "growth"]
    assert User.objects.get(pk=first.user.pk).is_active  # nothing was changed

    clock.advance(days=6)
    assert signs_up("free").account.status == Account.Status.TRIAL


def test_former_trial_may_choose_a_paid_plan_and_is_remembered_after_it(customer, signs_up, run_effects):
    first = customer("free")
    close_account(first.account, by=first.user)
    second = signs_up("starter")
    close_account(second.account, by=second.user)
    run_effects()

    with pytest.raises(Conflict, match="free trial"):
        signs_up("free")


def test_former_paying_customer_may_try(closed, signs_up):
    assert signs_up("free").account.status == Account.Status.TRIAL


def test_address_is_known_again_after_the_secret_key_was_changed(closed, signs_up, settings):
    signs_up()

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-one-which-is-as-long-as-a-secret-must-be"

    assert User.objects.former_owners_of("ANN@acme.test").get() == closed.user


def test_no_mail_goes_to_an_address_that_was_given_up(customer, signs_up, run_effects):
    first = customer("free")
    Account.objects.filter(pk=first.account.pk).update(billing_email="")
    close_account(first.account, by=first.user)
    signs_up()

    assert readers_of(Account.objects.get(pk=first.account.pk), Effect(), answers=True).to == []


def test_former_person_is_never_active_again(closed, signs_up):
    signs_up()
    old = User.objects.get(pk=closed.user.pk)
    old.is_active = True

    with pytest.raises(DjangoValidationError) as refusal:
        old.full_clean()
    assert list(refusal.value.error_dict) == ["is_active"]
    with pytest.raises(IntegrityError, match="user_without_address_is_inactive"), atomic():
        old.save()


@pytest.fixture
def officer():
    user = UserFactory(email="officer@example.test", is_staff=True)
    names = ["erase_person", "manage_accounts"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


def confirm(user):
    User.objects.filter(pk=user.pk).update(email_verified_at=timezone.now())


def test_export_has_former_accounts_once_the_address_is_confirmed(closed, signs_up, capsys):
    new = signs_up()

    call_command("export_person", EMAIL)
    unproved = json.loads(capsys.readouterr().out)
    confirm(new.user)
    call_command("export_person", EMAIL)
    proved = json.loads(capsys.readouterr().out)

    assert unproved["former"] == []
    assert [row["account"]["id"] for row in proved["former"]] == [str(closed.account.pk)]
    assert proved["account"]["id"] == str(new.account.pk)


def test_erasing_reaches_former_accounts_once_the_address_is_confirmed(closed, signs_up, officer, run_effects):
    new = signs_up()
    run_effects()

    with pytest.raises(Conflict, match=str(closed.user.pk)):
        erase_person(new.user, by=officer, reason="asked")
    assert User.objects.get(pk=new.user.pk).email == "Ann@ACME.test"
    confirm(new.user)
    erase_person(new.user, by=officer, reason="asked")

    closed.account.refresh_from_db()
    assert (closed.account.name, closed.account.billing_email) == ("Erased", "")
    assert not User.objects.former_owners_of(EMAIL).exists()
    assert not User.objects.exclude(former_email_digest="").exists()


def test_only_owner_of_a_closed_account_is_erased_though_others_are_in_it(closed, officer):
    MembershipFactory(account=closed.account, role="viewer")

    erase_person(closed.user, by=officer, reason="asked")

    closed.account.refresh_from_db()
    assert closed.account.name == "Acme"  # others still read it
    assert User.objects.get(pk=closed.user.pk).email.endswith("@erased.invalid")


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_sign_ups_with_a_former_address_one_succeeds():
    plan = PlanFactory()
    user = User.objects.create_user(EMAIL, OLD)
    account = AccountFactory()
    Membership.objects.create(account=account, user=user, role="owner")
    close_account(account, by=user)

    def come(n: int) -> bool:
        try:
            sign_up(
                email=EMAIL, password=NEW, account_name=f"Mine {n}", plan=plan.code, currency="USD", billing=BILLING
            )
        except Conflict:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(come, range(6)))

    assert outcomes.count(True) == 1
    assert User.objects.former_owners_of(EMAIL).get() == user
