"""Whatever people do, each customer has a next day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from core.models import Policy, Subscription
from engine import perform, run_due
from engine.models import Effect
from tests.factories import PaymentMethodFactory, StaffFactory
from tests.workflows.conftest import BILLING
from tests.workflows.customers import kinds_of, renewal, status
from workflows.actions import (
    cancel_at_period_end,
    change_account,
    choose_plan,
    sign_up,
    void_invoice,
)
from workflows.periods import midnight
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db

EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # a day and an hour apart


@pytest.fixture(autouse=True)
def the_books_are_in_order(clock):
    yield
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


@pytest.fixture
def at_noon(clock):
    """So that a zone that moves changes the day on one side only."""
    clock.go_to(datetime.combine(clock.today() + timedelta(1), time(12), ZoneInfo("UTC")))


def timers(kind: str) -> list[Effect]:
    return list(Effect.objects.filter(kind=kind, state="waiting"))


@pytest.mark.parametrize("paid_again", [-5, 2], ids=["before the period ends", "after it"])
def test_a_renewal_that_fell_due_while_past_due_is_issued_at_recovery(
    active, up_to_renewal, pay, controller, run_effects, live_through, paid_again
):
    signed = active()
    up_to_renewal(signed)
    second = renewal(signed)
    payment = pay(second)
    live_through(8)
    up_to_renewal(signed, after=-9)
    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()
    assert status(signed.account) == ["past_due"]

    up_to_renewal(signed, after=paid_again)
    pay(second)
    live_through(1)

    assert status(signed.account) == ["active"]
    assert renewal(signed).period_start == Subscription.objects.get().period_end
    assert status(renewal(signed)) == ["pending"]


def test_an_active_account_without_a_paid_period_falls_behind_after_recovery(
    active, up_to_renewal, pay, controller, run_effects, live_through
):
    signed = active()
    first = signed.invoice.payments.get()
    up_to_renewal(signed)
    perform(first.reverse, by=controller, reason_given="bounced")
    run_effects()
    up_to_renewal(signed, after=-2)
    pay(signed.invoice)
    assert status(signed.account) == ["active"]

    live_through(6)

    assert status(signed.account) == ["past_due"]


def test_a_zone_that_moves_twice_stops_no_ladder(active, at_noon, up_to_renewal, pay, live_through, run_effects):
    signed = active()
    change_account(signed.account, by=signed.user, time_zone=EAST)
    up_to_renewal(signed, after=0)
    claim = pay(renewal(signed), settle=False)
    up_to_renewal(signed, after=5)
    change_account(signed.account, by=signed.user, time_zone=WEST)
    live_through(2)

    perform(claim.reject, by=StaffFactory(), reason_code="not_received")
    run_effects()
    live_through(3)

    assert status(signed.account) == ["past_due"]


def test_a_zone_that_moves_twice_ends_a_trial_all_the_same(customer, plans, at_noon, pay, live_through, run_effects):
    signed = customer("free")
    change_account(signed.account, by=signed.user, time_zone=EAST)
    live_through(12)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    claim = pay(invoice, settle=False)
    live_through(2)
    change_account(signed.account, by=signed.user, time_zone=WEST)
    live_through(2)

    perform(claim.reject, by=StaffFactory(), reason_code="not_received")
    run_effects()
    live_through(2)

    assert status(signed.account) == ["pending_payment"]


def test_a_zone_that_moves_west_sends_every_reminder(active, at_noon, up_to_renewal, live_through, mailoutbox):
    signed = active()
    change_account(signed.account, by=signed.user, time_zone=EAST)
    up_to_renewal(signed, after=-6)
    mailoutbox.clear()
    change_account(signed.account, by=signed.user, time_zone=WEST)

    live_through(18)

    assert kinds_of(mailoutbox)["invoice_reminder"] == 4


def test_timers_fire_on_the_day_of_the_customer_s_time_zone(active, at_noon, clock):
    signed = active()
    (before,) = timers("subscription.turn")
    end = Subscription.objects.get().period_end
    assert before.run_at == midnight(end, "UTC")

    change_account(signed.account, by=signed.user, time_zone="Asia/Tokyo")

    (after,) = timers("subscription.turn")
    assert (after.pk, after.run_at) == (before.pk, midnight(end, "Asia/Tokyo"))


@pytest.mark.guards("S1", "workflows.lifecycle.timers.move_timers")
def test_a_timer_set_before_its_day_was_kept_moves_with_the_zone(active, at_noon):
    signed = active()
    (turn,) = timers("subscription.turn")
    Effect.objects.filter(pk=turn.pk).update(payload={})

    change_account(signed.account, by=signed.user, time_zone="Asia/Tokyo")

    assert timers("subscription.turn")[0].run_at == midnight(Subscription.objects.get().period_end, "Asia/Tokyo")


def test_a_timer_that_comes_too_early_looks_again_on_its_day(active, at_noon, clock, run_effects):
    active()
    (turn,) = timers("subscription.turn")
    Effect.objects.filter(pk=turn.pk).update(state="ready", run_at=clock.now())

    run_due([turn.pk])

    (following,) = timers("subscription.turn")
    assert following.pk != turn.pk
    assert following.run_at == midnight(date.fromisoformat(turn.payload["on"]), "UTC")


def test_a_first_payment_that_bounces_leaves_an_invoice_that_can_be_paid(
    active, controller, run_effects, live_through, pay
):
    signed = active()
    live_through(5)
    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()

    live_through(25)

    assert status(signed.invoice, signed.account) == ["pending", "suspended"]
    pay(signed.invoice)
    assert status(signed.invoice, signed.account) == ["paid", "active"]


def test_upgrade_whose_payment_bounces_stays_due(active, plans, controller, run_effects, live_through, pay):
    signed = active()
    live_through(2)
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    payment = pay(upgrade)
    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    live_through(30)

    assert status(upgrade, signed.account) == ["pending", "suspended"]
    pay(upgrade)
    assert status(upgrade) == ["paid"]


def test_a_part_payment_of_an_offer_that_bounces_makes_nobody_past_due(
    active, plans, controller, run_effects, live_through, pay
):
    signed = active()
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    payment = pay(upgrade, amount=Decimal("10.00"))

    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert status(upgrade, signed.account) == ["pending", "active"]


def test_a_sign_up_that_is_paid_in_part_lapses_and_keeps_its_money(customer, pay, live_through):
    signed = customer()
    pay(signed.invoice, amount=Decimal("40.00"))

    live_through(7 + 2 + 14 + 1)

    assert status(signed.account, signed.subscription, signed.invoice) == ["expired", "expired", "void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("40.00")}


def test_a_part_payment_of_a_sign_up_that_bounces_late_leaves_time_to_pay(
    customer, pay, controller, run_effects, live_through
):
    signed = customer()
    payment = pay(signed.invoice, amount=Decimal("40.00"))
    live_through(20)
    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    live_through(10)
    assert status(signed.account, signed.invoice) == ["expired", "void"]


def test_a_sign_up_whose_invoice_is_written_off_lapses_and_keeps_its_money(
    customer, pay, controller, run_effects, live_through
):
    signed = customer()
    pay(signed.invoice, amount=Decimal("40.00"))
    signed.invoice.refresh_from_db()
    perform(signed.invoice.write_off, by=controller)

    live_through(7 + 2 + 14 + 1)

    assert status(signed.account, signed.invoice) == ["expired", "uncollectible"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("40.00")}


def test_reminders_go_on_for_an_invoice_that_is_open_again(
    active, controller, up_to_renewal, pay, run_effects, live_through, mailoutbox
):
    signed = active()
    up_to_renewal(signed)
    payment = pay(renewal(signed))
    up_to_renewal(signed, after=-5)
    mailoutbox.clear()
    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert kinds_of(mailoutbox)["invoice_reminder"] == 0  # the reversal has just told them
    live_through(18)
    assert kinds_of(mailoutbox)["invoice_reminder"] == 4


def test_a_step_up_chosen_after_a_cancellation_holds_its_end_up_while_it_is_checked(
    active, plans, up_to_renewal, pay, run_effects, live_through
):
    signed = active()
    cancel_at_period_end(signed.subscription, by=signed.user)
    up_to_renewal(signed, after=-3)
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    claim = pay(upgrade, settle=False)

    up_to_renewal(signed, after=2)
    assert status(signed.subscription) == ["active"]
    perform(claim.approve, by=StaffFactory())
    run_effects()
    live_through(1)

    subscription = Subscription.objects.get()
    assert (subscription.status, subscription.plan.code) == ("active", "growth")
    assert renewal(signed).total == Decimal("189.00")


def test_a_claim_that_lies_is_told_of_again_when_it_is_four_times_as_old(
    customer, pay, run_effects, live_through, mailoutbox
):
    signed = customer()
    pay(signed.invoice, settle=False)
    run_effects()
    mailoutbox.clear()
    pause = Policy.current().claim_pause_days

    live_through(pause)
    assert kinds_of(mailoutbox)["payment_submitted"] == 1
    live_through(3 * pause - 1)
    assert kinds_of(mailoutbox)["payment_submitted"] == 1
    live_through(1)

    assert kinds_of(mailoutbox)["payment_submitted"] == 2
    assert status(signed.account) == ["expired"]  # the pause was used up long ago


def test_staff_void_what_is_paid_in_part_and_the_part_goes_to_the_balance(customer, pay, controller, run_effects):
    signed = customer()
    pay(signed.invoice, amount=Decimal("40.00"))

    void_invoice(signed.invoice, by=controller, to_balance=True)
    run_effects()

    assert status(signed.invoice) == ["void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("40.00")}


def test_a_sign_up_voided_before_anything_else_lapses_all_the_same(plans, controller, run_effects, live_through):
    signed = sign_up(
        email="ann@acme.test",
        password="a fairly long one",
        account_name="Acme",
        plan=plans["starter"].code,
        currency="USD",
        billing=BILLING,
        payment_method=PaymentMethodFactory(bank_lag_days=2).code,
        time_zone="UTC",
    )
    void_invoice(signed.invoice, by=controller)
    run_effects()

    live_through(7 + 2 + 14 + 1)

    assert status(signed.account, signed.subscription) == ["expired", "expired"]


def test_what_is_paid_in_part_after_it_was_given_up_is_watched_again(customer, controller, live_through, receive):
    signed = customer()
    signed.invoice.refresh_from_db()
    perform(signed.invoice.write_off, by=controller)
    receive(signed.invoice, "40.00")
    assert status(signed.invoice) == ["partially_paid"]

    live_through(7 + 2 + 14 + 1)

    assert status(signed.account, signed.invoice) == ["expired", "void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("40.00")}
