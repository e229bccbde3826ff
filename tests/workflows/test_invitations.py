from __future__ import annotations

import re
import time
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.core import signing

from core.models import Account, Invitation, Membership, Plan, User
from core.problems import Conflict, NotFound, PermissionDenied, ValidationError
from engine.models import Effect
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    PlanFactory,
    StaffFactory,
    UserFactory,
)
from workflows.actions import close_account, sign_up
from workflows.actions.invitations import accept, decline, invite, offer_of
from workflows.actions.members import change_role, people_of, remove_or_leave
from workflows.actions.passwords import reset_password
from workflows.actions.people import verify_email
from workflows.actions.personal import erase_person, export_person
from workflows.actions.sites import usage_of
from workflows.mail.signed_links import RESET, VERIFICATION, invitation_token_of

pytestmark = pytest.mark.django_db

OLD, NEW = "correct horse battery", "staple of the other horse"
BOB = "bob@foreign.de"


@pytest.fixture
def owner() -> User:
    """Of an account that is known, with room for three."""
    PlanFactory(code="free", name="Free", max_users=3, price=0)
    return MembershipFactory(account=AccountFactory(name="Acme & Söhne")).user


@pytest.fixture
def account(owner) -> Account:
    return owner.membership.account


@pytest.fixture
def invited(account, owner):
    def make(email=BOB, role="member") -> Invitation:
        return invite(account, email=email, role=role, by=owner)

    return make


def signs_up(email: str):
    free = Plan.objects.get(code="free")
    return sign_up(email=email, password=OLD, account_name="Mine", plan=free.code, currency="USD", billing={})


def kinds_to(mailoutbox, email):
    return [mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox if mail.to == [email]]


def test_invited_person_comes_in_by_a_password_of_their_own(account, owner, invited, run_effects, mailoutbox, client):
    invited("Bob@Foreign.de", role="admin")
    run_effects()
    (mail,) = mailoutbox
    (token,) = re.findall(r"http://localhost:8011/invitation/([\w.-]+)/", mail.body)
    assert mail.to == ["Bob@Foreign.de"]
    assert mail.subject == "You are invited to Acme & Söhne"
    assert owner.email in mail.body

    person = accept(token, password=NEW)

    assert person.role_in(account.pk) == "admin"
    assert person.email_verified_at is not None
    assert client.login(username=BOB, password=NEW)
    assert not Invitation.objects.exists()
    with pytest.raises(ValidationError):
        accept(token, password=OLD)


@pytest.mark.guards("S5", "workflows.actions.invitations.invite")
def test_offer_is_no_person_and_keeps_nobody_from_signing_up(account, invited):
    """S5: an unpaid account invited any address, and its reader could never be a customer."""
    invited()

    assert not User.objects.filter(email_canonical=BOB).exists()
    assert account.memberships.count() == 1
    assert usage_of(account)["users"] == 2
    mine = signs_up(BOB)
    assert mine.account.status == "trial"


def test_person_of_another_account_is_told_to_leave_it_first(account, invited):
    token = invitation_token_of(invited())
    mine = signs_up(BOB)

    with pytest.raises(Conflict, match="another account"):
        accept(token, password=NEW)
    with pytest.raises(Conflict, match="another account"):
        accept(token)

    mine.user.refresh_from_db()
    assert mine.user.check_password(OLD)
    assert mine.user.role_in(account.pk) is None


def test_person_with_a_log_in_and_no_account_accepts_with_it(account, invited):
    bob = User.objects.create_user(BOB, OLD)
    token = invitation_token_of(invited())
    offer = offer_of(token)
    assert offer is not None
    assert not offer.needs_password

    assert accept(token) == bob

    bob.refresh_from_db()
    assert bob.check_password(OLD)
    assert bob.membership.account == account


def test_person_without_a_log_in_needs_a_password(invited):
    token = invitation_token_of(invited())
    offer = offer_of(token)
    assert offer is not None
    assert offer.needs_password

    for password in (None, "short"):
        with pytest.raises(ValidationError) as refusal:
            accept(token, password=password)
        assert set(refusal.value.members["errors"]) == {"password"}
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("trust", ["is_staff", "is_superuser", "permission"])
def test_staff_join_no_account(invited, trust):
    user = User.objects.create_user(BOB, OLD)
    if trust == "permission":
        user.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    else:
        setattr(user, trust, True)
        user.save()

    with pytest.raises(Conflict):
        accept(invitation_token_of(invited()))

    assert not Membership.objects.filter(user=user).exists()


def test_person_of_a_closed_account_comes_as_a_new_person(account, invited):
    old = signs_up(BOB)
    close_account(old.account, by=old.user)
    token = invitation_token_of(invited())
    offer = offer_of(token)
    assert offer is not None
    assert offer.needs_password

    person = accept(token, password=NEW)

    assert person != old.user
    assert person.role_in(account.pk) == "member"


def test_somebody_who_left_may_be_invited_again(account, owner, invited):
    member = MembershipFactory(account=account, user=User.objects.create_user(BOB, OLD), role="member")
    remove_or_leave(member, by=member.user)

    person = accept(invitation_token_of(invited(role="viewer")), password=NEW)

    assert person.role_in(account.pk) == "viewer"
    assert not person.check_password(OLD)


@pytest.mark.guards("S25", "workflows.actions.invitations.invite")
@pytest.mark.parametrize("somebody", ["nobody", "customer", "staff", "inactive"])
def test_invitation_tells_nothing_of_an_address(invited, somebody):
    """S25: a known address was 409."""
    if somebody == "customer":
        MembershipFactory(user=User.objects.create_user(BOB, OLD))
    elif somebody == "staff":
        StaffFactory(email=BOB)
    elif somebody == "inactive":
        UserFactory(email=BOB, is_active=False)

    assert invited().email == BOB


def test_only_who_is_here_already_is_refused(account, owner, invited):
    invited()

    with pytest.raises(Conflict, match="invited already"):
        invited("BOB@foreign.de")
    with pytest.raises(Conflict, match="belongs to the account already"):
        invited(owner.email)


def test_offers_count_against_the_seats(account, invited):
    first = invited()
    invited("eve@foreign.de")

    with pytest.raises(Conflict, match="room for 3 people"):
        invited("dan@foreign.de")

    remove_or_leave(first, by=account.memberships.get().user)
    assert invited("dan@foreign.de")


def test_accepting_is_refused_when_the_plan_has_no_seat(account, invited):
    token = invitation_token_of(invited())
    Plan.objects.filter(code="free").update(max_users=1)

    with pytest.raises(Conflict, match="room for 1 person"):
        accept(token, password=NEW)


def test_offer_has_a_role_that_can_be_changed(account, owner, invited):
    offer = invited()
    admin = MembershipFactory(account=account, role="admin").user

    change_role(offer, "viewer", by=admin)

    assert [(row.email, row.role, row.status) for row in people_of(account)] == [
        (owner.email, "owner", "member"),
        (admin.email, "admin", "member"),
        (BOB, "viewer", "invited"),
    ]
    with pytest.raises(PermissionDenied):
        change_role(offer, "owner", by=admin)
    with pytest.raises(PermissionDenied):
        invite(account, email="eve@foreign.de", role="owner", by=admin)
    with pytest.raises(PermissionDenied):
        remove_or_leave(offer, by=MembershipFactory().user)
    accept(invitation_token_of(offer), password=NEW)
    with pytest.raises(NotFound):
        change_role(offer, "member", by=owner)


def test_withdrawn_offer_is_not_mailed_and_its_link_is_worth_nothing(owner, invited, run_effects, mailoutbox):
    offer = invited()
    token = invitation_token_of(offer)

    remove_or_leave(offer, by=owner)
    run_effects()

    assert mailoutbox == []
    assert offer_of(token) is None


def test_link_is_good_for_a_week(invited, monkeypatch):
    token = invitation_token_of(invited())
    now, day = time.time(), 24 * 3600
    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: now + 6.9 * day))
    assert offer_of(token) is not None

    monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda: now + 7.1 * day))

    assert offer_of(token) is None


@pytest.mark.guards("S5", "workflows.mail.verification.has_declined")
def test_who_declines_gets_no_invitation_of_this_account_for_a_month(account, invited, run_effects, mailoutbox, clock):
    """S5: an invited person could say nothing."""
    decline(invitation_token_of(invited()))
    assert not Invitation.objects.exists()
    run_effects()
    assert mailoutbox == []

    again = invited()
    run_effects()

    assert kinds_to(mailoutbox, BOB) == []
    assert Effect.objects.filter(outcome__dropped="an earlier invitation was declined").count() == 1
    again.delete()
    other = MembershipFactory().user
    invite(other.membership.account, email=BOB, role="member", by=other)
    clock.advance(days=31)
    invited()
    run_effects()
    assert kinds_to(mailoutbox, BOB) == ["member_invited"] * 2


@pytest.mark.guards("S3", "workflows.mail.verification.count_unproved_mail")
def test_one_address_gets_a_few_invitations_a_day(run_effects, mailoutbox):
    """S3: an address was invited as often as accounts liked."""
    PlanFactory(code="free", name="Free", price=0)
    for _ in range(5):
        host = MembershipFactory().user
        invite(host.membership.account, email=BOB, role="member", by=host)

    run_effects()

    assert kinds_to(mailoutbox, BOB) == ["member_invited"] * 3


@pytest.mark.guards("S5", "workflows.actions.members.remove_or_leave")
@pytest.mark.parametrize("role", ["owner", "admin", "member", "viewer"])
def test_everybody_may_leave(account, role):
    """S5: who was let in could not leave."""
    member = MembershipFactory(account=account, role=role)

    remove_or_leave(member, by=member.user)

    assert not Membership.objects.filter(pk=member.pk).exists()
    assert not User.objects.get(pk=member.user_id).is_active


def test_last_owner_stays(account, owner):
    MembershipFactory(account=account, role="admin")

    with pytest.raises(Conflict, match="close the account"):
        remove_or_leave(owner.membership, by=owner)


def test_removal_does_not_reach_the_member_s_next_account(account, owner):
    member = MembershipFactory(account=account, user=UserFactory(email=BOB), role="member")
    remove_or_leave(Membership.objects.get(pk=member.pk), by=owner)
    signs_up(BOB)

    with pytest.raises(NotFound):
        remove_or_leave(member, by=owner)

    assert User.objects.get(email_canonical=BOB).is_active


@pytest.fixture
def unproved(run_effects):
    """An account that somebody opened with the address of a victim, with people of theirs in it."""
    PlanFactory(code="free", name="Free", max_users=9, price=0)
    signed = signs_up("victim@acme.test")
    MembershipFactory(account=signed.account, user=User.objects.create_user("mallory@foreign.de", OLD), role="owner")
    invite(signed.account, email="second@foreign.de", role="owner", by=signed.user)
    run_effects()
    return signed


@pytest.mark.guards("S5", "workflows.actions.passwords._start_over")
def test_reset_of_an_unproved_account_ends_other_places(unproved, run_effects, mailoutbox):
    """S5: a second owner, let in before the address was proved, read the victim's tax id."""
    reset = reset_password(RESET.token_of(User.objects.get(pk=unproved.user.pk)), NEW)
    run_effects()

    assert reset.has_removed_others
    assert [row.email for row in people_of(unproved.account)] == ["victim@acme.test"]
    assert not User.objects.get(email="mallory@foreign.de").is_active
    assert kinds_to(mailoutbox, "second@foreign.de") == []
    assert "members_let_go" in kinds_to(mailoutbox, "victim@acme.test")


@pytest.mark.parametrize("known", ["verified", "paid", "again"])
def test_reset_of_a_known_account_keeps_its_people(unproved, known):
    if known == "verified":
        verify_email(VERIFICATION.token_of(unproved.user))
    elif known == "paid":
        Account.objects.filter(pk=unproved.account.pk).update(proved_at="2026-01-01T00:00Z")
    else:
        reset_password(RESET.token_of(User.objects.get(pk=unproved.user.pk)), NEW)
        MembershipFactory(account=unproved.account, role="owner")
    before = len(people_of(unproved.account))

    reset = reset_password(RESET.token_of(User.objects.get(pk=unproved.user.pk)), f"{NEW} again")

    assert not reset.has_removed_others
    assert len(people_of(unproved.account)) == before


def test_reset_by_a_member_ends_no_place(unproved):
    mallory = User.objects.get(email="mallory@foreign.de")
    Membership.objects.filter(user=mallory).update(role="admin")

    reset_password(RESET.token_of(mallory), NEW)

    assert len(people_of(unproved.account)) == 3


def test_reset_where_nobody_else_is_says_nothing(run_effects, mailoutbox):
    PlanFactory(code="free", name="Free", price=0)
    signed = signs_up("ann@acme.test")

    assert not reset_password(RESET.token_of(User.objects.get(pk=signed.user.pk)), NEW).has_removed_others
    run_effects()
    assert "members_let_go" not in kinds_to(mailoutbox, "ann@acme.test")


def test_offers_of_a_closed_account_end(account, owner, invited, run_effects):
    token = invitation_token_of(invited())

    close_account(account, by=owner)

    with pytest.raises(Conflict, match="closed"):
        accept(token, password=NEW)
    run_effects()
    assert not Invitation.objects.exists()


def test_offers_to_a_person_are_exported_and_erased(account, owner, invited):
    bob = UserFactory(email=BOB)
    invited()
    eraser = UserFactory(is_staff=True)
    eraser.user_permissions.set(Permission.objects.filter(codename="erase_person"))

    assert str(account.pk) in export_person(bob)
    erase_person(bob, by=eraser, reason="asked")

    assert not Invitation.objects.exists()


def test_invitation_accepted_twice_at_once_is_used_once(invited):
    token = invitation_token_of(invited())
    accept(token, password=NEW)

    with pytest.raises(ValidationError):
        accept(token, password=OLD)


@pytest.mark.parametrize("token", ["", "x", "0" * 32, "\x00", "ü.x"])
def test_malformed_link_is_refused(owner, token):
    assert offer_of(token) is None
    for verb in (lambda: accept(token, password=NEW), lambda: decline(token)):
        with pytest.raises(ValidationError):
            verb()
