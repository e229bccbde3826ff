"""Reviewers get the first claim at once, and those of the next quarter of an hour in one mail."""

from __future__ import annotations

from datetime import timedelta
from itertools import count, pairwise

import pytest

from core.models import Payment
from engine import amend, perform, run_due
from engine.models import Effect, ScheduledRun
from tests.factories import AccountFactory, PaymentFactory, StaffFactory, SubscriptionFactory
from tests.workflows.test_races import at_once
from workflows.mail import reviewer_notifications

pytestmark = pytest.mark.django_db

KIND = "mail.payment_submitted"


numbers = count(1)


def claims(how_many, **fields):
    return [PaymentFactory(reference_key=f"C{next(numbers)}", **fields) for _ in range(how_many)]


def mails(mailoutbox):
    return [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "payment_submitted"]


def told():
    """The claims that each mail of reviewers is about, in the order of the mails."""
    effects = Effect.objects.filter(kind=KIND).order_by("run_at")
    return [[*effect.payload.get("claims", [str(effect.object_id)])] for effect in effects]


@pytest.fixture(autouse=True)
def reviewer():
    return StaffFactory(email="rev@acme.test")


def test_first_claim_is_mailed_at_once_and_those_that_follow_in_one_mail(clock, run_effects, mailoutbox):
    """S4: 13 claims are two mails."""
    first, *others = claims(13)
    run_effects()
    (mail,) = mails(mailoutbox)
    assert mail.subject == "To review: 89.00 USD from Demo Ltd"
    assert mail.to == ["rev@acme.test"]

    clock.advance(hours=0.24)
    run_effects()
    assert len(mails(mailoutbox)) == 1
    clock.advance(hours=0.02)
    run_effects()

    _, together = mails(mailoutbox)
    assert together.subject == "To review: 12 further claims"
    assert together.body.count("89.00 USD from Demo Ltd") == 12
    assert "/desk/" in together.body
    assert told() == [[str(first.pk)], [str(claim.pk) for claim in others]]


def test_after_a_quiet_quarter_of_an_hour_the_next_is_mailed_at_once(clock, run_effects, mailoutbox):
    claims(1)
    run_effects()
    clock.advance(hours=0.26)

    claims(1)
    run_effects()

    assert [mail.subject for mail in mails(mailoutbox)] == ["To review: 89.00 USD from Demo Ltd"] * 2


@pytest.mark.guards("S4", "workflows.mail.reviewer_notifications._mark")
@pytest.mark.guards("S4", "workflows.mail.reviewer_notifications._joined")
def test_a_stream_of_claims_is_a_mail_in_a_quarter_of_an_hour(clock, run_effects, mailoutbox):
    """S4."""
    for _ in range(20):  # ninety-five minutes
        claims(2)
        run_effects()
        clock.advance(hours=1 / 12)
    run_effects()
    clock.advance(hours=0.5)
    run_effects()

    moments = sorted(
        ScheduledRun.objects.filter(schedule=reviewer_notifications.REVIEWERS_SCHEDULE).values_list("slot", flat=True)
    )
    assert min(later - earlier for earlier, later in pairwise(moments)) >= reviewer_notifications.TIME_BETWEEN_MAILS
    assert len(mails(mailoutbox)) == len(moments) == 8
    mentioned = [key for claims_ in told() for key in claims_]
    assert sorted(mentioned) == sorted(str(key) for key in Payment.objects.values_list("pk", flat=True))


def test_one_claim_that_follows_is_mailed_as_itself(clock, run_effects, mailoutbox):
    claims(2)
    run_effects()
    clock.advance(hours=0.26)
    run_effects()

    assert [mail.subject for mail in mails(mailoutbox)] == ["To review: 89.00 USD from Demo Ltd"] * 2


def test_decided_claim_is_not_mailed(clock, run_effects, mailoutbox):
    _, *others = claims(4)
    run_effects()
    for claim in others[:2]:
        perform(claim.reject, by=StaffFactory(), reason_code="other")
    clock.advance(hours=0.26)
    run_effects()
    assert len(mails(mailoutbox)) == 2
    assert "further" not in mails(mailoutbox)[1].subject

    last = claims(1)[0]
    run_effects()
    perform(last.reject, by=StaffFactory(), reason_code="other")
    clock.advance(hours=0.26)
    run_effects()

    assert len(mails(mailoutbox)) == 2


def test_long_list_names_twenty_and_counts_the_rest(clock, run_effects, mailoutbox, monkeypatch):
    monkeypatch.setattr(reviewer_notifications, "NAMED_AT_MOST", 24)
    long = SubscriptionFactory(account=AccountFactory(name="A name that is " + "long " * 20))
    claims(1)
    run_effects()
    claims(28, invoice__subscription=long)
    run_effects()
    claims(2, invoice__subscription=long)
    run_effects()
    clock.advance(hours=0.26)
    run_effects()

    body = mails(mailoutbox)[1].body
    assert mails(mailoutbox)[1].subject == "To review: 30 further claims"
    assert body.count("89.00 USD from A name that is long long long long l") == 20
    assert "long " * 6 not in body
    assert "The other 10 are on the desk." in body


@pytest.mark.guards("S4", "workflows.mail.reviewer_notifications._moments")
@pytest.mark.django_db(transaction=True)
def test_claims_told_of_by_many_workers_at_once_are_each_in_one_mail():
    """S4."""
    rows = claims(8)
    effects = Effect.objects.filter(kind="payment.tell_reviewers").values_list("pk", flat=True)

    at_once(*(lambda key=key: run_due([key]) for key in effects))
    while Effect.objects.filter(kind="payment.tell_reviewers").exclude(state="done").exists():
        run_due(list(effects))

    first, others = told()
    assert len(first) == 1
    assert sorted(first + others) == sorted(str(row.pk) for row in rows)
    assert ScheduledRun.objects.filter(schedule=reviewer_notifications.REVIEWERS_SCHEDULE).count() == 2


@pytest.mark.parametrize("point", ["claim", "start", "work", "done"])
def test_worker_that_dies_while_it_tells_reviewers_leaves_no_claim_out(point, crash_after, run_effects):
    rows = claims(5)

    with crash_after(point):
        run_effects()
    run_effects()

    first, others = told()
    assert sorted(first + others) == sorted(str(row.pk) for row in rows)
    assert not Effect.objects.filter(kind="payment.tell_reviewers").exclude(state="done").exists()


def test_mail_that_has_begun_to_leave_takes_no_more(clock, run_effects, mailoutbox):
    claims(2)
    run_effects()
    together = Effect.objects.get(kind=KIND, state="waiting")
    Effect.objects.filter(pk=together.pk).update(state="ready")

    assert not amend(together.pk, {"claims": []})
    claims(1)
    run_due([Effect.objects.get(kind="payment.tell_reviewers", state="ready").pk])

    assert len(told()) == 3
    latest = Effect.objects.filter(kind=KIND).latest("run_at")
    assert latest.run_at - together.run_at == timedelta(minutes=15)
