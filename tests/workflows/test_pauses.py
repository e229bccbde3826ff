"""Claims delay an invoice's deadlines by a number of days in all, however often one is withdrawn or refused."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import Invoice, Membership, Policy
from engine import perform
from engine.models import Effect
from tests.factories import InvoiceFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.conftest import BILLING
from tests.workflows.customers import kinds_of, renewal, status
from workflows.actions import choose_plan, sign_up
from workflows.lifecycle.claim_pauses import HELD, postpone_by_claim, use_pause_day

pytestmark = pytest.mark.django_db


@pytest.fixture
def pause():
    policy = Policy.current()
    policy.claim_pause_days = 3
    policy.save()
    return 3


def end(payment, how):
    """As the customer or staff end a claim without money."""
    if how == "withdraw":
        owner = Membership.objects.get(account=payment.account_id, role="owner").user
        perform(payment.withdraw, by=owner)
    else:
        perform(payment.reject, by=StaffFactory(), reason_code="not_received")


@pytest.mark.guards("S15", "workflows.lifecycle.claim_pauses.use_pause_day")
@pytest.mark.parametrize("how", ["withdraw", "reject"])
def test_claims_one_after_another_hold_a_trial_no_longer_than_one(
    customer, plans, pay, pause, live_through, run_effects, how
):
    """S15: a claim each day, and the trial ends after the days of one."""
    signed = customer("free")
    live_through(14)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    for day in range(pause + 1):
        assert status(signed.account) == ["trial"], day
        claim = pay(invoice, settle=False)
        live_through(1)
        end(claim, how)
        run_effects()

    assert status(signed.account) == ["pending_payment"]
    invoice.refresh_from_db()
    assert invoice.held_days == pause


@pytest.mark.guards("S15", "workflows.lifecycle.claim_pauses.postpone_by_claim")
def test_a_new_invoice_each_day_holds_a_trial_no_longer_than_one(customer, plans, pay, pause, live_through):
    """S15: who drops an invoice for another has won nothing."""
    signed = customer("free")
    live_through(14)
    for day in range(pause + 1):
        assert status(signed.account) == ["trial"], day
        _, invoice = choose_plan(signed.account, plans["growth" if day % 2 else "starter"], by=signed.user)
        claim = pay(invoice, settle=False)
        live_through(1)
        end(claim, "withdraw")

    assert status(signed.account) == ["pending_payment"]


def test_two_claimed_invoices_are_held_up_at_the_same_time(pause):
    first = InvoiceFactory()
    second = InvoiceFactory(account=first.account, subscription=first.subscription)
    today = date(2026, 11, 28)

    assert use_pause_day(dict.fromkeys([first.pk, second.pk], today), Policy.current()) == {first.pk, second.pk}
    assert use_pause_day({first.pk: today}, Policy.current()) == {first.pk}  # something else, on the same day

    assert set(Invoice.objects.values_list("held_days", "held_on")) == {(1, today)}


def test_a_claim_that_is_not_decided_stops_holding_and_approval_opens_all(
    active, up_to_renewal, pay, pause, live_through, run_effects
):
    signed = active()
    up_to_renewal(signed, after=5)
    assert status(signed.account) == ["past_due"]
    claim = pay(renewal(signed), settle=False)
    live_through(7 + pause)
    assert status(signed.account) == ["suspended"]

    perform(claim.approve, by=StaffFactory())
    run_effects()

    assert status(signed.account, signed.subscription) == ["active", "active"]


def test_reminders_are_held_up_by_a_claim_as_long_as_its_pause_lasts(customer, pay, pause, live_through, mailoutbox):
    signed = customer()
    pay(signed.invoice, settle=False)
    live_through(4 + pause - 1)  # three days before it is due the first is due
    assert kinds_of(mailoutbox)["invoice_reminder"] == 0

    live_through(1)

    assert kinds_of(mailoutbox)["invoice_reminder"] == 1
    signed.invoice.refresh_from_db()
    assert signed.invoice.held_days == pause


def test_what_is_approved_and_not_settled_yet_is_waited_for_when_the_pause_is_used_up(
    customer, plans, pay, pause, live_through, run_effects
):
    signed = customer("free")
    live_through(14)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    Invoice.objects.filter(pk=invoice.pk).update(held_days=pause)
    claim = pay(invoice, settle=False)
    perform(claim.approve, by=StaffFactory())
    timer = Effect.objects.get(kind="account.end_trial", object_id=signed.account.pk, state="waiting")

    assert postpone_by_claim(signed.account.payments.all(), timer, today=invoice.issued_on)

    run_effects()
    live_through(2)
    assert status(signed.account) == ["active"]
    assert not postpone_by_claim(signed.account.payments.all(), timer, today=invoice.issued_on)


def test_a_pause_of_no_days_holds_nothing(customer, plans, pay, live_through):
    Policy.objects.update_or_create(pk=1, defaults={"claim_pause_days": 0})
    signed = customer("free")
    live_through(14)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    pay(invoice, settle=False)

    live_through(1)

    assert status(signed.account) == ["pending_payment"]


STEPS = st.lists(st.tuples(st.sampled_from(["claim", "withdraw", "reject", "wait"]), st.integers(0, 2)), max_size=12)


@pytest.mark.guards("S15", "workflows.lifecycle.claim_pauses.use_pause_day")
@given(steps=STEPS, pause=st.integers(0, 4))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_walk_holds_an_invoice_for_longer_than_its_pause(plans, clock, pay, live_through, steps, pause):
    """S15: claims, withdrawals and refusals in any order, with days between them, on the ladder of a sign-up."""
    Policy.objects.update_or_create(pk=1, defaults={"claim_pause_days": pause, "signup_expiry_days": 1})
    signed = sign_up(
        email=f"{uuid4().hex}@acme.test", password="a fairly long one", account_name="Acme", plan=plans["starter"].code,
        currency="USD", billing=BILLING, time_zone="UTC", payment_method=PaymentMethodFactory(bank_lag_days=2).code,
    )  # fmt: skip
    last = signed.invoice.due_on + timedelta(days=2 + 1 + pause)  # the banks' days, the offer's, the pause
    live_through(7)
    claim = None
    for verb, days in steps:
        if verb == "claim" and claim is None and status(signed.invoice) == ["pending"]:
            claim = pay(signed.invoice, settle=False)
        elif verb in ("withdraw", "reject") and claim is not None:
            end(claim, verb)
            claim = None
        live_through(days)
    live_through(max(0, (last - clock.today()).days))

    signed.invoice.refresh_from_db()
    looks = Effect.objects.filter(kind="invoice.let_lapse", object_id=signed.invoice.pk)
    assert status(signed.invoice, signed.account) == ["void", "expired"]
    assert signed.invoice.held_days <= pause
    assert max(look.payload.get(HELD, 0) for look in looks) <= pause
