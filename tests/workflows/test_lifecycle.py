from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from core.models import Account, Invoice, Plan, PlanPrice, Subscription
from core.problems import Conflict
from engine import perform
from engine.models import Effect, Transition
from tests.factories import MembershipFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.conftest import BILLING
from tests.workflows.customers import kinds_of, renewal, status
from workflows.actions import cancel_at_period_end, choose_plan, sign_up
from workflows.periods import period_end
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db


def test_a_trial_is_warned_about_and_ends(customer, live_through, mailoutbox):
    signed = customer("free")

    live_through(10)
    assert kinds_of(mailoutbox)["trial_ending"] == 0
    live_through(1)
    assert kinds_of(mailoutbox)["trial_ending"] == 1
    assert status(signed.account) == ["trial"]
    live_through(4)

    assert status(signed.account) == ["expired"]
    assert kinds_of(mailoutbox)["trial_ended"] == 1


def test_a_claim_in_review_keeps_a_trial_alive_and_staff_hear_when_it_lasts(
    customer, plans, pay, live_through, mailoutbox, run_effects
):
    signed = customer("free")
    live_through(12)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    payment = pay(invoice, settle=False)

    live_through(8)

    assert status(signed.account) == ["trial"]
    assert kinds_of(mailoutbox)["payment_submitted"] == 2  # once when it came, once because it lies there
    perform(payment.approve, by=StaffFactory())
    run_effects()
    assert status(signed.account, signed.account.subscriptions.get()) == ["active", "active"]


def test_an_upgrade_that_waits_never_ends_a_live_trial_early(customer, plans, live_through):
    signed = customer("free")

    choose_plan(signed.account, plans["starter"], by=signed.user)
    live_through(5)

    assert status(signed.account) == ["trial"]


def test_a_sign_up_that_nobody_pays_lapses(customer, live_through, mailoutbox):
    signed = customer()

    live_through(7 + 2 + 14)

    assert status(signed.account, signed.subscription, signed.invoice) == ["expired", "expired", "void"]
    assert kinds_of(mailoutbox)["invoice_reminder"] == 4  # -3, 0, 3 and 10 days around the due date


def test_returning_customer_gets_a_new_subscription(customer, plans, pay, live_through):
    signed = customer()
    live_through(30)

    again, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    assert status(signed.account) == ["pending_payment"]
    pay(invoice)

    assert again.previous == signed.subscription
    assert status(signed.account, again) == ["active", "active"]


def test_money_that_comes_after_the_end_is_kept_and_opens_nothing(customer, pay, live_through, run_effects):
    signed = customer()
    payment = pay(signed.invoice, settle=False)
    perform(payment.withdraw, by=signed.user)
    live_through(25)
    assert status(signed.invoice) == ["void"]
    late = type(payment).objects.get(pk=payment.pk)
    from workflows.actions import record_payment

    receipt = record_payment(
        invoice=signed.invoice, method=late.method, amount=Decimal("89.00"), currency="USD", reference="LATE",
        by=StaffFactory(),
    )  # fmt: skip
    perform(receipt.approve, by=StaffFactory())
    run_effects()

    assert status(receipt, signed.account, signed.invoice) == ["succeeded", "expired", "void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}


def test_a_renewal_is_issued_ahead_and_begins_on_its_day_when_paid(active, clock, live_through, pay, mailoutbox):
    signed = active()
    first_end = signed.subscription.period_end

    live_through((first_end - clock.today()).days - 7)
    invoice = renewal(signed)
    assert (invoice.due_on, invoice.period_start, invoice.total) == (first_end, first_end, Decimal("89.00"))
    pay(invoice)
    assert status(signed.subscription) == ["active"]
    assert signed.subscription.period_end == first_end
    live_through(7)

    signed.subscription.refresh_from_db()
    signed.account.refresh_from_db()
    assert signed.subscription.period_start == first_end
    assert signed.account.credits == 2000
    assert kinds_of(mailoutbox)["invoice_reminder"] == 0


def test_unpaid_renewal_goes_through_the_dunning_steps(active, clock, live_through, mailoutbox):
    signed = active()
    due = signed.subscription.period_end
    live_through((due - clock.today()).days)

    live_through(2)  # the banks' days
    assert status(signed.subscription, signed.account) == ["active", "active"]
    live_through(1)
    assert status(signed.subscription, signed.account) == ["past_due", "past_due"]
    live_through(7)
    assert status(signed.subscription, signed.account) == ["suspended", "suspended"]
    live_through(30)
    assert status(signed.subscription, signed.account) == ["cancelled", "expired"]

    mails = kinds_of(mailoutbox)
    assert (mails["subscription_past_due"], mails["subscription_suspended"], mails["subscription_cancelled"]) == (
        1,
        1,
        1,
    )
    assert mails["invoice_reminder"] == 4


@pytest.mark.parametrize("days_late", [3, 12])
def test_late_payer_continues_in_the_same_period(active, clock, live_through, pay, days_late):
    signed = active()
    due = signed.subscription.period_end
    live_through((due - clock.today()).days + days_late)
    assert status(signed.account)[0] in ("past_due", "suspended")

    pay(renewal(signed))

    assert status(signed.subscription, signed.account) == ["active", "active"]
    assert signed.subscription.period_start == due
    assert signed.account.credits == 2000
    live_through(20)
    assert status(signed.account) == ["active"]


def test_a_claim_in_review_holds_the_ladder_up(active, clock, live_through, pay, run_effects):
    signed = active()
    due = signed.subscription.period_end
    live_through((due - clock.today()).days)
    payment = pay(renewal(signed), settle=False)

    live_through(9)

    assert status(signed.account) == ["active"]
    perform(payment.reject, by=StaffFactory(), reason_code="not_received")
    live_through(1)
    assert status(signed.account) == ["past_due"]


def test_a_clock_that_stood_still_is_caught_up_with_once(active, clock, run_effects, mailoutbox):
    signed = active()
    due = signed.subscription.period_end
    clock.advance(days=(due - clock.today()).days - 3)
    run_effects()
    mailoutbox.clear()

    clock.advance(days=6)  # nothing ran for six days: the reminders of day 0 and day 3 are due
    run_effects()
    run_effects()

    assert kinds_of(mailoutbox)["invoice_reminder"] == 1
    assert "Overdue" in next(
        m.subject for m in mailoutbox if m.extra_headers["X-Countersign-Kind"] == "invoice_reminder"
    )
    assert status(signed.account) == ["past_due"]


def test_cancelled_at_the_end_of_the_period(active, clock, live_through):
    signed = active()
    days = (signed.subscription.period_end - clock.today()).days
    live_through(days - 5)
    cancel_at_period_end(signed.subscription, by=signed.user)
    assert status(renewal(signed)) == ["void"]

    live_through(4)
    assert status(signed.account) == ["active"]
    live_through(1)

    assert status(signed.subscription, signed.account) == ["cancelled", "expired"]


def test_cancelled_now(active, run_effects):
    signed = active()

    perform(signed.subscription.cancel, by=signed.user)
    run_effects()

    assert status(signed.subscription, signed.account) == ["cancelled", "expired"]


def test_a_larger_plan_at_once_for_the_difference(active, plans, clock, live_through, pay):
    signed = active()
    live_through(10)
    whole = (signed.subscription.period_end - signed.subscription.period_start).days

    _, invoice = choose_plan(signed.account, plans["growth"], by=signed.user)

    assert invoice.total == (Decimal(100) * (whole - 10) / whole).quantize(Decimal("0.01"))
    assert status(signed.account) == ["active"]
    pay(invoice)
    signed.subscription.refresh_from_db()
    signed.account.refresh_from_db()
    assert (signed.subscription.plan.code, signed.subscription.price) == ("growth", Decimal("189.00"))
    assert signed.account.credits == 1000 + 2000 * (whole - 10) // whole


def test_a_year_gives_the_credits_of_its_months(plans, clock, live_through, pay, run_effects):
    for code, price in (("starter", "890.00"), ("growth", "1890.00")):
        PlanPrice.objects.create(plan=plans[code], currency="USD", interval="year", amount=Decimal(price))
    signed = sign_up(
        email="ann@acme.test",
        password="a fairly long one",
        account_name="Acme",
        plan=plans["starter"].code,
        currency="USD",
        interval="year",
        billing=BILLING,
    )
    run_effects()
    pay(signed.invoice)
    signed.account.refresh_from_db()
    assert (signed.invoice.total, signed.account.credits) == (Decimal(890), 12_000)

    live_through(40)
    _, invoice = choose_plan(signed.account, plans["growth"], by=signed.user)
    pay(invoice)

    signed.account.refresh_from_db()
    days = (invoice.period_end - signed.account.subscriptions.get().period_start).days
    assert signed.account.credits == 12_000 + 12 * 2_000 * (days - 40) // days


def test_a_smaller_plan_with_the_next_period(active, plans, clock, live_through, pay):
    signed = active("growth")

    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)

    assert invoice is None
    live_through((signed.subscription.period_end - clock.today()).days - 7)
    assert renewal(signed).total == Decimal("89.00")
    pay(renewal(signed))
    live_through(7)
    signed.subscription.refresh_from_db()
    signed.account.refresh_from_db()
    assert signed.subscription.plan.code == "starter"
    assert signed.account.credits == 4000


def test_the_plan_one_has_is_not_chosen_again(active, plans):
    signed = active()

    with pytest.raises(Conflict):
        choose_plan(signed.account, plans["starter"], by=signed.user)


def test_a_balance_pays_the_next_invoice(customer, clock, live_through, pay):
    signed = customer()
    pay(signed.invoice, amount=Decimal("200.00"))
    assert balance_of(signed.account.pk) == {"USD": Decimal("111.00")}
    signed.subscription.refresh_from_db()

    live_through((signed.subscription.period_end - clock.today()).days)

    assert status(renewal(signed)) == ["paid"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("22.00")}
    signed.account.refresh_from_db()
    assert signed.account.credits == 2000


def test_bank_fee_is_written_off_within_the_method_s_tolerance(customer, pay):
    PaymentMethodFactory(tolerance_percent=Decimal(5), tolerance_max=Decimal(15))
    signed = customer()

    pay(signed.invoice, amount=Decimal("85.00"))

    assert status(signed.invoice, signed.account) == ["paid", "active"]
    assert signed.invoice.written_off == Decimal("4.00")


def test_a_reversed_payment_takes_back_what_it_gave(active, run_effects, pay, mailoutbox, live_through):
    from django.contrib.auth.models import Permission

    signed = active()
    payment = signed.invoice.payments.get()
    controller = StaffFactory()
    controller.user_permissions.add(Permission.objects.get(codename="reverse_payment"))

    perform(payment.reverse, by=controller, reason_given="recalled by the bank")
    run_effects()

    assert status(payment, signed.invoice, signed.subscription, signed.account) == [
        "reversed",
        "pending",
        "past_due",
        "past_due",
    ]
    assert signed.account.credits == 0
    assert kinds_of(mailoutbox)["payment_reversed"] == 1
    pay(signed.invoice)
    assert status(signed.invoice, signed.subscription, signed.account) == ["paid", "active", "active"]
    assert signed.account.credits == 1000


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns", "Asia/Karachi"])
def test_thirteen_months_in_the_customer_s_own_time(customer, plans, clock, pay, live_through, zone, run_effects):
    # At noon: a day of 24 hours from shortly before midnight is the same date where the clocks go back.
    clock.go_to(datetime.combine(clock.today(zone) + timedelta(1), time(12), ZoneInfo(zone)))
    signed = customer()
    Account.objects.filter(pk=signed.account.pk).update(time_zone=zone)
    pay(signed.invoice)
    subscription = Subscription.objects.get()
    anchor, starts = subscription.anchor_day, [subscription.period_start]

    for _ in range(13):
        subscription.refresh_from_db()
        live_through((subscription.period_end - clock.today(zone)).days - 7)
        pay(renewal(signed))
        live_through(8)
        subscription.refresh_from_db()
        starts.append(subscription.period_start)

    expected = [starts[0]]
    for _ in range(13):
        expected.append(period_end(expected[-1], "month", anchor))
    assert starts == expected
    signed.account.refresh_from_db()
    assert (signed.account.status, signed.account.credits) == ("active", 14_000)
    assert Invoice.objects.filter(status="paid").count() == 14
    assert not Effect.objects.filter(state__in=["dead", "uncertain"]).exists()
    assert Transition.objects.filter(name="fall_behind").count() == 0


@pytest.mark.parametrize(
    ("start", "interval", "anchor", "end"),
    [
        (date(2027, 1, 31), "month", 31, date(2027, 2, 28)),
        (date(2027, 2, 28), "month", 31, date(2027, 3, 31)),
        (date(2028, 1, 31), "month", 31, date(2028, 2, 29)),
        (date(2027, 12, 30), "month", 30, date(2028, 1, 30)),
        (date(2028, 2, 29), "year", 29, date(2029, 2, 28)),
        (date(2031, 2, 28), "year", 29, date(2032, 2, 29)),
    ],
)
def test_period_ends_keep_their_anchor(start, interval, anchor, end):
    assert period_end(start, interval, anchor) == end


def test_a_day_is_never_skipped_by_a_period():
    day = date(2027, 1, 1)
    while day < date(2029, 1, 1):
        assert timedelta(27) < period_end(day, "month", day.day) - day <= timedelta(31)
        day += timedelta(1)


def test_only_owners_and_admins_choose(active, plans):
    signed = active()
    from core.problems import PermissionDenied

    with pytest.raises(PermissionDenied):
        choose_plan(signed.account, plans["growth"], by=MembershipFactory(account=signed.account, role="member").user)
    assert Plan.objects.count() == 3
