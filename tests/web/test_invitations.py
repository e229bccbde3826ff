from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from core.models import Invitation, Membership, RateLimitBucket, User
from tests.factories import PASSWORD, InvitationFactory, MembershipFactory, PlanFactory
from tests.web.conftest import signed_in
from workflows.actions.invitations import invite
from workflows.mail.signed_links import RESET, invitation_token_of

pytestmark = pytest.mark.django_db

NEW = "staple of the other horse"
BOB = "bob@foreign.de"


@pytest.fixture
def owner() -> User:
    PlanFactory(code="free", name="Free", price=0)
    return MembershipFactory(account__name="Acme & Söhne").user


@pytest.fixture
def offer(owner) -> Invitation:
    return InvitationFactory(account=owner.membership.account, email=BOB, role="admin", invited_by=owner)


@pytest.fixture
def path(offer) -> str:
    return reverse("invitation", args=[invitation_token_of(offer)])


def test_page_says_which_account_and_role(client, path, owner):
    page = client.get(path).content.decode()

    assert "Acme &amp; Söhne" in page
    assert "Admin" in page
    assert owner.email in page
    assert BOB in page
    assert Invitation.objects.exists()


def test_invited_person_with_a_first_password_is_signed_in(client, path, owner):
    weak = client.post(path, {"password": "short"})
    assert weak.context["form"].errors["password"]

    answer = client.post(path, {"password": NEW}, follow=True)

    assert "You belong to Acme &amp; Söhne now." in answer.content.decode()
    assert answer.wsgi_request.user.email == BOB
    assert answer.wsgi_request.user.role_in(owner.membership.account_id) == "admin"


def test_invited_user_accepts_with_one_click(client, path):
    User.objects.create_user(BOB, PASSWORD)
    assert 'name="password"' not in client.get(path).content.decode()

    answer = client.post(path)

    assert answer.status_code == 302
    assert Membership.objects.filter(user__email=BOB).exists()
    assert client.get(reverse("dashboard")).status_code == 302  # to the log-in page: the link is no key
    assert client.login(username=BOB, password=PASSWORD)


def test_member_of_another_account_reads_what_to_do(client, path):
    MembershipFactory(user=User.objects.create_user(BOB, PASSWORD))

    answer = client.post(path)

    assert "You belong to another account. Leave it first, then accept." in answer.content.decode()
    assert Invitation.objects.exists()


def test_who_says_that_it_was_not_for_them_is_left_alone(client, path):
    answer = client.post(path, {"decline": "1"})

    assert "The invitation is withdrawn" in answer.content.decode()
    assert not Invitation.objects.exists()
    for again in (client.get(path), client.post(path, {"password": NEW}), client.post(path, {"decline": "1"})):
        assert "not valid any more" in again.content.decode()
    assert not User.objects.filter(email=BOB).exists()


@pytest.mark.parametrize("token", ["x", "0" * 32 + ".abc-def", "\x01.x", "ü"])
def test_link_that_is_none_says_so(client, owner, token):
    path = reverse("invitation", args=[token])

    for answer in (client.get(path), client.post(path, {"password": NEW}), client.post(path, {"decline": "1"})):
        assert answer.status_code == 200
        assert "not valid any more" in answer.content.decode()


def test_links_are_counted(client, path, settings):
    settings.LIMITS = {**settings.LIMITS, "link": {"address": (1, timedelta(hours=1))}}
    client.post(path, {"password": "short"})

    answer = client.post(path, {"password": NEW})

    assert "Too many tries" in answer.content.decode()
    assert Invitation.objects.exists()


def test_offers_stand_among_the_members_until_withdrawn(owner, offer):
    client = signed_in(owner)
    page = client.get(reverse("members")).content.decode()
    assert BOB in page
    assert "(invited)" in page

    client.post(reverse("member", args=[offer.pk]), {"role": "viewer"})
    offer.refresh_from_db()
    assert offer.role == "viewer"
    answer = client.post(reverse("member", args=[offer.pk]), {"remove": "1"}, follow=True)

    assert f"The invitation of {BOB} is withdrawn." in answer.content.decode()
    assert not Invitation.objects.exists()
    assert client.post(reverse("member", args=[offer.pk]), {"remove": "1"}).status_code == 404


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
def test_everybody_may_leave_from_the_page(owner, role):
    """S5"""
    member = MembershipFactory(account=owner.membership.account, role=role)
    client = signed_in(member.user)
    assert "Leave the account" in client.get(reverse("members")).content.decode()

    answer = client.post(reverse("member", args=[member.pk]), {"remove": "1"}, follow=True)

    assert "You have left Acme &amp; Söhne" in answer.content.decode()
    assert not Membership.objects.filter(pk=member.pk).exists()
    assert client.get(reverse("members")).status_code == 302


def test_last_owner_reads_why_not(owner):
    answer = signed_in(owner).post(reverse("member", args=[owner.membership.pk]), {"remove": "1"}, follow=True)

    assert "or close the account" in answer.content.decode()


@pytest.mark.guards("S25", "web.customer.members.members")
def test_refused_inviter_uses_up_no_tries(owner):
    """S25: the form counted before it asked the role."""
    viewer = MembershipFactory(account=owner.membership.account, role="viewer").user

    signed_in(viewer).post(reverse("members"), {"email": BOB, "role": "member"})

    assert not RateLimitBucket.objects.filter(key__startswith="invite:").exists()


def test_reset_of_an_unproved_account_says_on_the_page_that_others_are_out(client, owner):
    account = owner.membership.account
    type(account).objects.filter(pk=account.pk).update(proved_at=None, proved_email="")
    invite(account, email=BOB, role="owner", by=owner)

    answer = client.post(reverse("set_password", args=[RESET.token_of(owner)]), {"password": NEW}, follow=True)

    assert "Others had been let into this account" in answer.content.decode()
    assert not Invitation.objects.exists()
