from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Account, Plan, User
from engine.models import Effect
from tests.factories import AccountFactory, MembershipFactory, UserFactory
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(shop):
    return AccountFactory(billing_email="bills@foreign.de", proved_at=None, proved_email="", refused_email="")


@pytest.fixture
def owner(account):
    return signed_in(MembershipFactory(account=account).user)


def links(mailoutbox):
    mails = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "verify_billing_email"]
    return [re.search(r"http://localhost:8011(/verify/billing/\S+)", mail.body)[1] for mail in mails]


def test_link_that_is_followed_proves_the_billing_address(account, owner, mailoutbox, run_effects):
    assert "Nobody has confirmed bills@foreign.de yet" in owner.get(reverse("billing")).content.decode()
    owner.post(reverse("verify_billing_address"))
    run_effects()
    [link] = links(mailoutbox)
    Account.objects.filter(pk=account.pk).update(refused_email="bills@foreign.de")

    shown = Client().get(link)
    account.refresh_from_db()
    assert (shown.status_code, account.proved_email) == (200, "")  # what reads mails ahead of people proves nothing
    Client().post(link)

    account.refresh_from_db()
    assert (account.proved_email, account.refused_email, account.proved_at) == ("bills@foreign.de", "", None)
    assert "Nobody has confirmed" not in owner.get(reverse("billing")).content.decode()


def test_link_is_mailed_once_a_day_and_holds_no_word_of_the_sender(account, owner, mailoutbox, run_effects):
    Account.objects.filter(pk=account.pk).update(name="WordsOfTheSender")
    for _ in range(3):
        owner.post(reverse("verify_billing_address"))
        run_effects()

    assert len(links(mailoutbox)) == 1
    assert not [mail for mail in mailoutbox if "WordsOfTheSender" in mail.subject + mail.body]


def test_link_to_an_address_of_before_is_not_good_any_more(account, owner, mailoutbox, run_effects):
    owner.post(reverse("verify_billing_address"))
    run_effects()
    [link] = links(mailoutbox)
    Account.objects.filter(pk=account.pk).update(billing_email="other@foreign.de")

    answer = Client().post(link)

    assert "not valid any more" in answer.content.decode()
    account.refresh_from_db()
    assert not account.is_billing_email_proved


@pytest.mark.parametrize("link", ["/verify/billing/x/", "/verify/billing/e30:1abc:x/", "/verify/billing/::::/"])
def test_link_that_we_did_not_make_proves_nothing(account, link):
    assert "not valid any more" in Client().post(link).content.decode()


def test_address_of_a_confirmed_member_needs_no_link(account, owner, run_effects):
    MembershipFactory(account=account, user=UserFactory(email="bills@foreign.de"), role="viewer")
    User.objects.filter(email="bills@foreign.de").update(email_verified_at="2026-01-01T00:00Z")

    page = owner.post(reverse("verify_billing_address"), follow=True).content.decode()

    assert "This address has been confirmed already." in page
    assert not Effect.objects.filter(kind="mail.verify_billing_email").exists()


def test_viewer_sends_no_link(account):
    viewer = signed_in(MembershipFactory(account=account, role="viewer").user)

    assert viewer.post(reverse("verify_billing_address")).status_code == 403
    assert not Effect.objects.filter(kind="mail.verify_billing_email").exists()


def test_invitation_by_somebody_unproved_says_that_it_waits(shop):
    Plan.objects.update(max_users=9)
    account = AccountFactory(proved_at=None, proved_email="")
    member = MembershipFactory(account=account).user

    page = signed_in(member).post(reverse("members"), {"email": "bob@foreign.de", "role": "member"}, follow=True)

    assert "The invitation is sent as soon as you have confirmed your own address." in page.content.decode()
