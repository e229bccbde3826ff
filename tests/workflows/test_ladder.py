"""The preview of a policy says of each day what then happens on it."""

from __future__ import annotations

from datetime import date

import pytest

from core.models import Invoice, Policy
from tests.workflows.customers import renewal
from workflows.reporting.ladder import Example, Step, first_ladder, renewal_ladder, trial_ladder

pytestmark = pytest.mark.django_db

BANK_LAG = 2  # of the customer's method
POLICIES = {
    "as it is": {},
    "quick": {"renewal_lead_days": 3, "reminder_steps": [-1, 1, 4], "grace_days": 1, "suspension_days": 5},
    "at once": {"renewal_lead_days": 2, "reminder_steps": [], "grace_days": 0, "suspension_days": 0},
    "longer ahead than a month": {"renewal_lead_days": 45, "reminder_steps": [-30, -27, 2], "grace_days": 2},
    "reminders beyond the end": {"reminder_steps": [-365, 1, 60, 365], "grace_days": 3, "suspension_days": 10},
}


def policy_of(changes) -> Policy:
    policy, _ = Policy.objects.update_or_create(pk=1, defaults=changes)
    return policy


@pytest.fixture
def lived(clock, live_through, mailoutbox):
    """`lived(days)`: (day, subject) of each mail that a customer got on the days that pass."""

    def live(days: int) -> list[tuple[date, str]]:
        seen, found = len(mailoutbox), []
        for _ in range(days):
            live_through(1)
            found += [(clock.today(), mail.subject) for mail in mailoutbox[seen:]]
            seen = len(mailoutbox)
        return found

    return live


def mails(steps: list[Step], number: str) -> list[tuple[date, str]]:
    """The invoice's own comes on the day on which the preview was made."""
    told = [(step.day, step.subject.replace("INV-000123", number)) for step in steps if step.subject]
    return [each for each in told if each[0] > steps[0].day]


@pytest.mark.parametrize("name", POLICIES)
def test_unpaid_renewal_goes_the_way_of_the_preview(active, clock, lived, live_through, name):
    policy = policy_of(POLICIES[name])
    signed = active()
    ahead = min(policy.renewal_lead_days, (signed.subscription.period_end - clock.today()).days)
    live_through((signed.subscription.period_end - clock.today()).days - ahead)
    invoice = renewal(signed)
    steps = renewal_ladder(policy, clock.today(), Example.of_catalogue(), bank_lag_days=BANK_LAG)
    assert (invoice.issued_on, invoice.due_on) == (
        clock.today(),
        next(step.day for step in steps if step.what == "due"),
    )

    happened = lived(90)

    assert sorted(happened) == sorted(mails(steps, invoice.number))
    signed.subscription.refresh_from_db()
    assert signed.subscription.status == "cancelled"
    assert steps[-1].what == "ended"


@pytest.mark.parametrize("name", POLICIES)
def test_unpaid_sign_up_goes_the_way_of_the_preview(customer, clock, lived, name):
    policy = policy_of(POLICIES[name] | {"days_to_pay": 9, "signup_expiry_days": 12})
    signed = customer()
    steps = first_ladder(policy, clock.today(), Example.of_catalogue(), bank_lag_days=BANK_LAG)

    lapsed = steps[-1]
    happened = lived((lapsed.day - clock.today()).days - 1)
    assert Invoice.objects.get().status == "pending"
    happened += lived(1)

    assert lapsed.what == "lapsed"
    assert happened == mails(steps, signed.invoice.number)
    assert Invoice.objects.get().status == "void"
    assert lived(60) == []


@pytest.mark.parametrize("days", [0, 3, 13, 14])
def test_trial_goes_the_way_of_the_preview(customer, clock, lived, days):
    policy = policy_of({"trial_warning_days": days})
    customer("free")
    steps = trial_ladder(policy, clock.today())

    assert lived(30) == mails(steps, "")
    assert ("trial_warned" in {step.what for step in steps}) == (days in (3, 13))


def test_catalogue_without_a_price_has_an_example():
    steps = renewal_ladder(Policy(), date(2026, 1, 31), Example.of_catalogue())

    assert [step.what for step in steps if step.what != "reminder"] == [
        "issued", "due", "past_due", "suspended", "ended",
    ]  # fmt: skip
    assert steps[0].subject == "Invoice INV-000123: 10.00 USD due 7 February 2026"
