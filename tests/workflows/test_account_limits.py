from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from core.models import Account, Industry, Invitation, Invoice, Payment, RateLimitBucket, Site
from core.problems import Conflict, TooManyRequests
from core.security import rate_limits
from engine import perform
from engine.models import Effect
from tests.api.conftest import Caller, is_problem
from tests.factories import InvoiceFactory, MembershipFactory, PaymentMethodFactory
from tests.web.conftest import signed_in
from workflows.actions import change_account, choose_plan, claim_payment
from workflows.actions.invitations import invite
from workflows.actions.members import remove_or_leave
from workflows.actions.sites import open_site
from workflows.actions.subscriptions import cancel_at_period_end, keep_plan

pytestmark = pytest.mark.django_db


@pytest.fixture
def few(settings):
    settings.ACCOUNT_LIMITS = dict.fromkeys(settings.ACCOUNT_LIMITS, (3, timedelta(days=1)))


@pytest.fixture
def owner(plans):
    return MembershipFactory(account__status="trial").user


@pytest.fixture
def account(owner) -> Account:
    return owner.membership.account


def taken(verb, times=6) -> int:
    """How many of so many are let through; the others are refused by the limit."""
    done = 0
    for n in range(times):
        try:
            verb(n)
            done += 1
        except TooManyRequests:
            pass
    return done


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_plans_are_chosen_so_often_a_day(account, owner, plans):
    """S3: 40 choices were 40 invoices and 28 mails to a stranger's address."""

    def choose(n):
        choose_plan(account, plans[("growth", "starter")[n % 2]], by=owner)

    assert taken(choose, 40) == 20
    assert Invoice.objects.count() == 20
    assert Effect.objects.filter(kind="document.write_invoice").count() == 20


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_plan_is_kept_so_often_a_day_and_can_always_be_cancelled(few, active):
    """S3: each time it was kept its renewal could be demanded again."""
    signed = active()

    def keep(n):
        keep_plan(cancel_at_period_end(signed.subscription, by=signed.user), by=signed.user)

    assert taken(keep) == 3
    signed.subscription.refresh_from_db()
    assert signed.subscription.cancel_at_period_end


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_payments_are_claimed_and_withdrawn_so_often_a_day(few):
    """S3"""
    invoice = InvoiceFactory()
    owner = MembershipFactory(account=invoice.account).user
    method = PaymentMethodFactory()

    def claim(n):
        made = claim_payment(
            invoice=invoice, method=method, amount=invoice.total, currency="USD", reference=f"R{n}", by=owner
        )
        perform(made.withdraw, by=owner)

    assert taken(claim) == 3
    assert Payment.objects.count() == 3


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_people_are_invited_so_often_a_day(few, account, owner):
    """S3"""

    def ask(n):
        remove_or_leave(invite(account, email=f"p{n}@foreign.de", role="member", by=owner), by=owner)

    assert taken(ask) == 3
    assert not Invitation.objects.exists()


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("billing_email", [f"p{n}@foreign.de" for n in range(6)]),
        ("time_zone", ["Asia/Karachi", "Asia/Tokyo", "Europe/Berlin", "UTC", "Asia/Dubai", "Asia/Aden"]),
    ],
)
def test_billing_address_and_time_zone_change_so_often_a_day(few, account, owner, name, values):
    """S3"""
    assert taken(lambda n: change_account(account, by=owner, **{name: values[n]})) == 3
    account.refresh_from_db()
    assert getattr(account, name) == values[2]
    change_account(account, by=owner, **{name: values[2], "city": "Elsewhere"})  # that is no change of it


@pytest.mark.guards("S3", "core.security.rate_limits.enforce_account_limit")
def test_sites_are_opened_so_often_a_day(few, account, owner):
    """S3"""
    industry = Industry.objects.create(name="Bakery")

    def open_one(n):
        open_site(account, name=f"Shop {n}", industry=industry, by=owner).delete()

    assert taken(open_one) == 3
    assert not Site.objects.exists()


def test_the_count_is_of_the_account_not_of_the_person(few, account, owner):
    other = MembershipFactory(account=account).user

    assert taken(lambda n: change_account(account, by=(owner, other)[n % 2], billing_email=f"p{n}@foreign.de")) == 3
    stranger = MembershipFactory()
    change_account(stranger.account, by=stranger.user, billing_email="x@foreign.de")


def test_request_refused_for_another_reason_is_not_counted(few, account, owner, plans):
    choose_plan(account, plans["starter"], by=owner)
    PaymentMethodFactory()
    invoice = Invoice.objects.get()
    waiting = claim_payment(
        invoice=invoice,
        method=PaymentMethodFactory(),
        amount=invoice.total,
        currency="USD",
        reference="R",
        by=owner,
    )
    for _ in range(5):
        with pytest.raises(Conflict):
            choose_plan(account, plans["growth"], by=owner)

    perform(waiting.withdraw, by=owner)
    choose_plan(account, plans["growth"], by=owner)


def test_a_day_later_there_is_room_again(few, account, owner, clock):
    assert taken(lambda n: change_account(account, by=owner, billing_email=f"a{n}@foreign.de")) == 3

    clock.advance(days=2)

    assert taken(lambda n: change_account(account, by=owner, billing_email=f"b{n}@foreign.de")) == 3


def test_no_limit_counts_nothing(settings, account):
    settings.ACCOUNT_LIMITS = {}

    rate_limits.enforce_account_limit("plan", account.pk)

    assert not RateLimitBucket.objects.exists()


def test_api_answers_429_and_pages_say_it(few, account, owner):
    for n in range(3):
        change_account(account, by=owner, billing_email=f"p{n}@foreign.de")

    answer = Caller(owner).client.patch("/api/v1/account/", {"billing_email": "x@foreign.de"}, format="json")
    page = signed_in(owner).post(
        reverse("billing"),
        {
            "name": account.name,
            "language": "en",
            "time_zone": "UTC",
            "billing_email": "x@foreign.de",
            "address_line1": "1 High Street",
            "city": "Springfield",
            "country": "US",
        },
    )

    assert is_problem(answer, 429, "too-many-requests")
    assert int(answer["Retry-After"]) > 3600
    assert page.status_code == 429
    assert "too often today" in page.content.decode()
