"""The awkward cases of offline payment, one test each; docs/edge-cases.md says which behaviour was chosen for which.

Out of scope here, because the product has no such thing: statement files and their matching, files of proof, PDFs,
impersonation.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.db.transaction import atomic

from core.models import Account, CreditEntry, Invoice, Payment, Plan, PlanPrice, Policy, Subscription
from core.money import check_amount
from core.problems import Conflict, DuplicateClaim, ValidationError
from engine import perform, run_due, schedule
from engine.models import Effect
from engine.stateful import DirectStateChange
from tests.factories import AccountFactory, InvoiceFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.conftest import BILLING
from tests.workflows.customers import kinds_of, renewal, status
from workflows.actions import cancel_at_period_end, choose_plan, claim_payment, record_payment, sign_up
from workflows.actions.credits import consume
from workflows.lifecycle.invoicing import issue_invoice
from workflows.mail.notifications import mail_reminder
from workflows.reporting.invariants import findings
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def the_books_are_in_order(clock):
    yield
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def credits_of(signed):
    return Account.objects.get(pk=signed.account.pk).credits


# Money for what is closed


def test_a_claim_that_is_open_when_its_invoice_is_voided_goes_to_the_balance(customer, pay, controller, run_effects):
    signed = customer()
    payment = pay(signed.invoice, settle=False)

    perform(signed.invoice.void, by=controller)
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert status(payment, signed.invoice, signed.account) == ["succeeded", "void", "pending_payment"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}


def test_a_sign_up_whose_invoice_was_voided_lapses_all_the_same(customer, controller, live_through):
    signed = customer()
    perform(signed.invoice.void, by=controller)

    live_through(7 + 2 + 14)

    assert status(signed.account, signed.subscription) == ["expired", "expired"]


@pytest.mark.parametrize("effects_first", [True, False])
def test_money_for_what_was_cancelled_meanwhile_goes_to_the_balance(customer, pay, run_effects, effects_first):
    signed = customer()
    payment = pay(signed.invoice, settle=False)

    perform(signed.subscription.cancel, by=signed.user)
    if effects_first:
        run_effects()
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert status(payment, signed.subscription, signed.account) == ["succeeded", "cancelled", "expired"]
    assert status(signed.invoice) == ["void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}
    assert credits_of(signed) == 0


def test_closing_an_account_ends_what_it_has_and_keeps_what_it_paid(
    active, up_to_renewal, pay, controller, run_effects, live_through, mailoutbox
):
    signed = active()
    up_to_renewal(signed)
    payment = pay(renewal(signed), settle=False)

    perform(Account.objects.get(pk=signed.account.pk).close, by=controller)
    run_effects()
    perform(payment.approve, by=StaffFactory())
    run_effects()
    mailoutbox.clear()
    live_through(40)

    assert status(signed.account, signed.subscription, renewal(signed)) == ["closed", "cancelled", "void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}
    assert not mailoutbox
    with pytest.raises(Conflict):
        choose_plan(signed.account, signed.subscription.plan, by=signed.user)


def test_money_for_an_account_that_is_just_closing_opens_nothing(customer, pay, controller, run_effects):
    signed = customer()
    payment = pay(signed.invoice, settle=False)

    perform(payment.approve, by=StaffFactory())
    perform(signed.account.close, by=controller)
    run_effects()

    assert status(payment, signed.subscription, signed.account) == ["succeeded", "cancelled", "closed"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("89.00")}


# Amounts and currencies


def test_money_in_another_currency_waits_in_the_balance_of_that_currency(customer, run_effects):
    signed = customer()
    payment = claim_payment(
        invoice=signed.invoice, method=PaymentMethodFactory(), amount=Decimal("89.00"), currency="EUR", reference="E",
        by=signed.user,
    )  # fmt: skip

    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert status(payment, signed.invoice, signed.account) == ["succeeded", "pending", "pending_payment"]
    assert balance_of(signed.account.pk) == {"EUR": Decimal("89.00")}


def test_a_claim_in_another_currency_can_be_refused_for_that(customer, run_effects, mailoutbox):
    signed = customer()
    payment = PaymentFactory(invoice=signed.invoice, currency="EUR", submitted_by=signed.user)

    perform(payment.reject, by=StaffFactory(), reason_code="wrong_currency")
    run_effects()

    assert status(payment, signed.invoice) == ["failed", "pending"]
    assert kinds_of(mailoutbox)["payment_rejected"] == 1
    assert balance_of(signed.account.pk) == {}


@pytest.mark.parametrize(
    ("currency", "small", "large", "step_up", "too_fine"),
    [("JPY", "9800", "20900", 0, "9800.5"), ("KWD", "27.255", "58.125", 3, "27.2551")],
)
def test_a_currency_of_no_or_three_decimals_from_sign_up_to_step_up(
    plans, clock, run_effects, live_through, currency, small, large, step_up, too_fine
):
    for code, price in (("starter", small), ("growth", large)):
        PlanPrice.objects.create(plan=plans[code], currency=currency, amount=Decimal(price))
    method = PaymentMethodFactory(code="wire", country="", currency="")
    signed = sign_up(
        email="yen@acme.test", password="a fairly long one", account_name="Yen", plan=plans["starter"].code,
        currency=currency, billing=BILLING | {"country": "JP"},
    )  # fmt: skip

    def paid(invoice, amount):
        claim = claim_payment(
            invoice=invoice, method=method, amount=amount, currency=currency, reference=f"R{invoice.pk}", by=signed.user
        )
        perform(claim.approve, by=StaffFactory())
        run_effects()
        return status(claim, invoice)

    assert signed.invoice.metadata["billing_snapshot"]["price"] == small
    with pytest.raises(ValidationError):
        check_amount(Decimal(too_fine), currency, field="amount")
    assert paid(signed.invoice, Decimal(small) + 1) == ["succeeded", "paid"]
    assert balance_of(signed.account.pk) == {currency: Decimal(1)}
    live_through(10)
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    assert -upgrade.total.normalize().as_tuple().exponent <= step_up
    run_effects()  # the balance pays one coin of it
    upgrade.refresh_from_db()
    assert paid(upgrade, upgrade.outstanding) == ["succeeded", "paid"]
    assert Subscription.objects.get().price == Decimal(large)
    assert balance_of(signed.account.pk) == {}


# References and repetition


def test_the_same_reference_from_two_accounts_is_two_claims():
    method = PaymentMethodFactory()
    claims = [PaymentFactory(method=method, reference="WIRE 7", reference_key="WIRE7") for _ in range(2)]

    assert len({claim.account_id for claim in claims}) == 2
    assert {str(claim.status) for claim in claims} == {"pending_approval"}


def test_a_reference_that_was_refused_may_be_claimed_again_and_says_what_it_repeats(customer, pay):
    signed = customer()
    given = {"method": PaymentMethodFactory(), "amount": Decimal(89), "currency": "USD", "by": signed.user}
    first = claim_payment(invoice=signed.invoice, reference="SLIP-1", **given)
    with pytest.raises(DuplicateClaim) as refusal:
        claim_payment(invoice=signed.invoice, reference="slip 1", **given)
    perform(first.reject, by=StaffFactory(), reason_code="unreadable_proof")

    second = claim_payment(invoice=signed.invoice, reference="SLIP-1", **given)

    assert refusal.value.members["payment_id"] == str(first.pk)
    assert second.retry_of == first
    assert status(first) == ["failed"]


def test_a_payment_is_never_deleted():
    payment = PaymentFactory()

    for delete in (payment.delete, Payment.objects.all().delete, Invoice.objects.all().delete):
        with pytest.raises((DirectStateChange, ProtectedError)), atomic():
            delete()

    assert Payment.objects.get() == payment


# What was issued stays as it was


def test_a_price_that_is_edited_before_approval_changes_nothing_that_was_issued(customer, plans, pay, up_to_renewal):
    signed = customer()
    PlanPrice.objects.filter(plan=plans["starter"]).update(amount=Decimal("120.00"))
    Plan.objects.filter(code="starter").update(name="First")

    payment = pay(signed.invoice)

    signed.invoice.refresh_from_db()
    assert status(payment, signed.account) == ["succeeded", "active"]
    assert (signed.invoice.total, signed.invoice.metadata["billing_snapshot"]["price"]) == (Decimal("89.00"), "89.00")
    assert balance_of(signed.account.pk) == {}
    up_to_renewal(signed)
    assert renewal(signed).total == Decimal("89.00")  # nor later: the price is the subscription's


def test_a_country_that_is_changed_after_issue_counts_for_the_next_invoice(active, up_to_renewal):
    signed = active()
    account = Account.objects.get(pk=signed.account.pk)
    account.country = "PK"
    account.save(update_fields=["country"])

    up_to_renewal(signed)

    signed.invoice.refresh_from_db()
    countries = [row.metadata["billing_snapshot"]["country"] for row in (signed.invoice, renewal(signed))]
    assert countries == ["US", "PK"]


# Reminders


@pytest.fixture
def near_midnight(clock):
    """A zone in which the day is nearly over."""
    hour = clock.now().hour
    offset = 23 - hour if hour >= 9 else -1 - hour  # Etc/GMT goes from -12 to +14, its signs the other way round
    return f"Etc/GMT{-offset:+d}"


def test_new_invoice_is_not_reminded_at_once(clock, run_effects, mailoutbox, near_midnight, plans):
    Policy.objects.update_or_create(pk=1, defaults={"days_to_pay": 1, "reminder_steps": [0]})
    account = AccountFactory(time_zone=near_midnight)
    subscription = InvoiceFactory(subscription__account=account).subscription
    invoice = issue_invoice(account, amount=Decimal(5), subscription=subscription, cause=None, method=None)
    run_effects()
    mailoutbox.clear()

    clock.advance(hours=1.05)  # the due day has begun, and with it the day of the reminder
    run_effects()
    assert clock.today(near_midnight) == invoice.due_on
    assert kinds_of(mailoutbox)["invoice_reminder"] == 0
    clock.advance(hours=1)
    run_effects()

    assert kinds_of(mailoutbox)["invoice_reminder"] == 1


def test_due_reminder_is_not_sent_once_the_money_came(active, up_to_renewal, pay, run_effects, mailoutbox):
    signed = active()
    up_to_renewal(signed)
    invoice = renewal(signed)
    pay(invoice)
    mailoutbox.clear()

    schedule(mail_reminder, key="late", about=invoice, payload={"step": 3})
    run_effects()

    assert not mailoutbox


def test_ended_subscription_is_not_reminded(customer, pay, clock, live_through, mailoutbox, run_effects):
    signed = customer()
    pay(signed.invoice, amount=Decimal("50.00"))
    perform(signed.subscription.cancel, by=signed.user)
    run_effects()
    mailoutbox.clear()

    live_through(20)

    assert status(signed.invoice) == ["void"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("50.00")}
    assert kinds_of(mailoutbox) == {}


# Time and claims


def test_staff_are_escalated_once_for_a_claim_that_lies_too_long(customer, plans, pay, live_through, mailoutbox):
    signed = customer("free")
    live_through(13)
    _, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    pay(invoice, settle=False)
    live_through(1)
    mailoutbox.clear()

    live_through(Policy.current().claim_pause_days - 2)
    assert kinds_of(mailoutbox)["payment_submitted"] == 0
    assert status(signed.account) == ["trial"]
    live_through(4)  # the pause is used up, and staff have heard of it
    assert status(signed.account) == ["pending_payment"]
    live_through(16)

    assert kinds_of(mailoutbox)["payment_submitted"] == 1


def test_a_suspension_waits_for_a_claim_and_not_for_ever(active, up_to_renewal, pay, live_through):
    signed = active()
    up_to_renewal(signed, after=5)
    assert status(signed.account) == ["past_due"]
    payment = pay(renewal(signed), settle=False)

    live_through(11)
    assert status(signed.account) == ["past_due"]
    perform(payment.withdraw, by=signed.user)
    live_through(1)

    assert status(signed.account) == ["suspended"]


def test_money_that_waits_in_the_balance_keeps_a_customer_from_falling_behind(active, up_to_renewal, pay, run_effects):
    signed = active()
    up_to_renewal(signed, after=-8)
    extra = record_payment(
        invoice=signed.invoice, method=PaymentMethodFactory(), amount=Decimal("100.00"), currency="USD",
        reference="AGAIN", by=StaffFactory(),
    )  # fmt: skip
    perform(extra.approve, by=StaffFactory())
    run_effects()
    assert balance_of(signed.account.pk) == {"USD": Decimal("100.00")}

    up_to_renewal(signed, after=4)

    assert status(renewal(signed), signed.account) == ["paid", "active"]
    assert balance_of(signed.account.pk) == {"USD": Decimal("11.00")}
    assert credits_of(signed) == 2000


# Reversals


def test_reversal_revokes_unspent_credits_only(active, controller, run_effects, pay):
    signed = active()
    consume(signed.account, 700, reference="job", by=signed.user)
    payment = signed.invoice.payments.get()

    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert credits_of(signed) == 0
    assert list(CreditEntry.objects.order_by("id").values_list("kind", "amount")) == [
        ("grant", 1000), ("consume", -700), ("revoke", -300),
    ]  # fmt: skip
    assert status(signed.invoice, signed.account) == ["pending", "past_due"]  # the debt is the invoice
    pay(signed.invoice)
    assert credits_of(signed) == 300
    assert status(signed.account) == ["active"]


def test_one_transfer_for_two_invoices_that_bounces_leaves_both_open_and_both_are_to_be_paid(
    active, up_to_renewal, pay, controller, run_effects, clock
):
    signed = active()
    up_to_renewal(signed, after=1)
    first, second = signed.invoice, renewal(signed)
    earlier = first.payments.get()
    perform(earlier.reverse, by=controller, reason_given="recalled")
    run_effects()
    transfer = pay(first, amount=Decimal("178.00"), settle=False)
    lines = [{"invoice": str(row.pk), "amount": "89.00"} for row in (first, second)]
    perform(transfer.approve, by=StaffFactory(), allocations=lines)
    run_effects()
    assert status(first, second, transfer, signed.account) == ["paid", "paid", "succeeded", "active"]
    assert credits_of(signed) == 2000

    perform(transfer.reverse, by=controller, reason_given="bounced")
    run_effects()
    assert status(first, second, signed.account) == ["pending", "pending", "past_due"]
    assert credits_of(signed) == 0
    pay(second)
    assert status(first, second, signed.account) == ["pending", "paid", "past_due"]
    pay(first)

    assert status(first, second, signed.account) == ["paid", "paid", "active"]
    assert credits_of(signed) == 2000


def test_a_renewal_paid_ahead_that_bounces_before_its_day_makes_nobody_past_due(
    active, up_to_renewal, pay, controller, run_effects
):
    signed = active()
    up_to_renewal(signed)
    payment = pay(renewal(signed))

    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert status(renewal(signed), signed.account) == ["pending", "active"]
    up_to_renewal(signed, after=3)
    assert status(signed.account) == ["past_due"]


def test_a_reversal_meets_an_invoice_that_was_written_off(customer, pay, controller, run_effects):
    signed = customer()
    payment = pay(signed.invoice, amount=Decimal("40.00"))
    signed.invoice.refresh_from_db()
    perform(signed.invoice.write_off, by=controller)

    perform(payment.reverse, by=controller, reason_given="bounced")
    run_effects()

    assert status(payment, signed.invoice) == ["reversed", "uncollectible"]
    assert signed.invoice.allocated == 0


def test_remainder_of_a_reversed_payment_pays_nothing(customer, pay, controller, run_effects, up_to_renewal):
    signed = customer()
    payment = pay(signed.invoice, amount=Decimal("300.00"))
    perform(payment.reverse, by=controller, reason_given="recalled")

    subscription = Subscription.objects.get()
    invoice = issue_invoice(signed.account, amount=Decimal(5), subscription=subscription, cause=None, method=None)
    apply = Effect.objects.get(kind="invoice.apply_balance", object_id=invoice.pk)
    run_due([apply.pk])  # before the reversal has been worked off

    assert status(invoice) == ["pending"]
    run_effects()
    assert balance_of(signed.account.pk) == {}


# Changing plans


def test_stepping_up_while_a_renewal_is_open_makes_the_renewal_larger(active, plans, up_to_renewal, pay, live_through):
    signed = active()
    up_to_renewal(signed)
    old = renewal(signed)

    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    pay(upgrade)

    assert status(old) == ["void"]
    assert (renewal(signed).total, str(renewal(signed).status)) == (Decimal("189.00"), "pending")
    pay(renewal(signed))
    live_through(8)
    assert Subscription.objects.get().plan.code == "growth"
    period = (upgrade.period_end - signed.subscription.period_start).days
    assert credits_of(signed) == 1000 + 2000 * 7 // period + 3000


def test_stepping_down_while_a_renewal_is_open_makes_it_smaller(active, plans, up_to_renewal, pay, live_through):
    signed = active("growth")
    up_to_renewal(signed)
    old = renewal(signed)

    choose_plan(signed.account, plans["starter"], by=signed.user)

    assert status(old) == ["void"]
    assert renewal(signed).total == Decimal("89.00")
    assert renewal(signed).metadata["billing_snapshot"]["plan"] == "starter"
    pay(renewal(signed))
    live_through(8)
    subscription = Subscription.objects.get()
    assert (subscription.plan.code, subscription.price, subscription.next_plan) == ("starter", Decimal("89.00"), None)
    assert credits_of(signed) == 4000


def test_a_smaller_plan_that_is_paid_late_is_the_smaller_plan(active, plans, up_to_renewal, pay):
    signed = active("growth")
    choose_plan(signed.account, plans["starter"], by=signed.user)
    up_to_renewal(signed, after=4)
    assert status(signed.account) == ["past_due"]

    pay(renewal(signed))

    assert Subscription.objects.get().plan.code == "starter"
    assert credits_of(signed) == 4000


def test_smaller_plan_can_be_replaced_before_it_begins(active, plans, up_to_renewal):
    signed = active("growth")
    choose_plan(signed.account, plans["starter"], by=signed.user)

    choose_plan(signed.account, plans["growth"], by=signed.user)

    up_to_renewal(signed)
    assert renewal(signed).total == Decimal("189.00")


def test_plan_that_is_paid_ahead_begins(active, plans, up_to_renewal, pay, live_through):
    signed = active("growth")
    up_to_renewal(signed)
    pay(renewal(signed))

    choose_plan(signed.account, plans["starter"], by=signed.user)
    live_through(8)

    subscription = Subscription.objects.get()
    assert (subscription.plan.code, subscription.next_plan.code) == ("growth", "starter")
    assert credits_of(signed) == 6000


def test_upgrade_after_paying_ahead_waits_for_the_paid_period(active, plans, up_to_renewal, pay, live_through):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed))

    with pytest.raises(Conflict, match="paid for"):
        choose_plan(signed.account, plans["growth"], by=signed.user)
    live_through(8)

    assert choose_plan(signed.account, plans["growth"], by=signed.user)[1].total > 90


def test_a_step_up_of_the_last_period_is_not_sold_in_the_next(active, plans, up_to_renewal, pay, run_effects):
    signed = active()
    up_to_renewal(signed, after=-8)
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    claim = pay(upgrade, settle=False)
    up_to_renewal(signed, after=-6)
    pay(renewal(signed))
    up_to_renewal(signed, after=1)

    perform(claim.approve, by=StaffFactory())
    run_effects()

    assert status(upgrade) == ["void"]
    assert Subscription.objects.get().plan.code == "starter"
    assert balance_of(signed.account.pk) == {"USD": upgrade.total}


def test_paying_for_a_step_up_does_not_excuse_an_overdue_renewal(active, plans, up_to_renewal, pay):
    signed = active()
    up_to_renewal(signed, after=-10)
    _, upgrade = choose_plan(signed.account, plans["growth"], by=signed.user)
    up_to_renewal(signed, after=4)
    assert status(signed.account) == ["past_due"]

    pay(upgrade)

    assert status(signed.account, upgrade, renewal(signed)) == ["past_due", "pending", "partially_paid"]
    assert renewal(signed).allocated == upgrade.total  # what is overdue comes first
    assert balance_of(signed.account.pk) == {}


def test_a_plan_is_not_changed_for_nothing_when_its_period_is_over(active, plans, up_to_renewal):
    signed = active()
    up_to_renewal(signed, after=1)
    assert status(signed.account) == ["active"]  # the bank's days

    with pytest.raises(Conflict, match="period is over"):
        choose_plan(signed.account, plans["growth"], by=signed.user)


def test_the_free_plan_is_no_way_to_go_on(active, plans):
    signed = active()

    with pytest.raises(ValidationError):
        choose_plan(signed.account, plans["free"], by=signed.user)


def test_another_choice_waits_for_what_is_paid_in_part(customer, plans, pay):
    signed = customer()
    pay(signed.invoice, amount=Decimal("50.00"))

    with pytest.raises(Conflict, match="paid in part"):
        choose_plan(signed.account, plans["growth"], by=signed.user)


# Invoices that staff take back


def test_voided_renewal_is_issued_again(active, up_to_renewal, controller, run_effects):
    signed = active()
    up_to_renewal(signed)
    wrong = renewal(signed)
    Account.objects.filter(pk=signed.account.pk).update(city="Elsewhere")

    perform(wrong.void, by=controller, reason="wrong address")
    run_effects()

    right = renewal(signed)
    assert status(wrong, right) == ["void", "pending"]
    assert right.number != wrong.number
    assert right.metadata["billing_snapshot"]["city"] == "Elsewhere"


def test_a_renewal_that_was_written_off_leads_down_the_ladder(active, up_to_renewal, controller, live_through):
    signed = active()
    up_to_renewal(signed)
    perform(renewal(signed).write_off, by=controller)

    up_to_renewal(signed, after=3)

    assert status(signed.account) == ["past_due"]
    live_through(37)
    assert status(signed.account) == ["expired"]


def test_paying_a_bounced_invoice_leaves_a_written_off_renewal_past_due(
    active, up_to_renewal, pay, controller, run_effects, receive
):
    signed = active()
    up_to_renewal(signed)
    demanded = renewal(signed)
    perform(demanded.write_off, by=controller)
    up_to_renewal(signed, after=3)
    perform(signed.invoice.payments.get().reverse, by=controller, reason_given="bounced")
    run_effects()

    pay(signed.invoice)
    assert status(signed.invoice, signed.account) == ["paid", "past_due"]  # nobody has paid for these days

    receive(demanded, "89.00")
    assert status(demanded, signed.account) == ["paid", "active"]


# Leaving and coming back


def test_cancelling_keeps_the_period_that_is_paid_ahead(active, up_to_renewal, pay, live_through):
    signed = active()
    up_to_renewal(signed)
    pay(renewal(signed))
    cancel_at_period_end(signed.subscription, by=signed.user)

    live_through(10)
    assert status(signed.account) == ["active"]
    assert credits_of(signed) == 2000
    up_to_renewal(signed, after=0)

    assert status(signed.subscription, signed.account) == ["cancelled", "expired"]
    assert Invoice.objects.filter(purpose="renewal").count() == 1


def test_late_payment_helps_a_returning_customer(customer, plans, pay, live_through, run_effects):
    signed = customer()
    live_through(30)
    late = record_payment(
        invoice=signed.invoice, method=PaymentMethodFactory(), amount=Decimal("89.00"), currency="USD",
        reference="LATE", by=StaffFactory(),
    )  # fmt: skip
    perform(late.approve, by=StaffFactory())
    run_effects()
    assert status(signed.account) == ["expired"]

    again, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)
    run_effects()

    assert again.previous == signed.subscription
    assert status(invoice, again, signed.account) == ["paid", "active", "active"]


def test_cancelling_and_choosing_again_at_once_leaves_an_account_that_waits_for_money(active, plans, run_effects, pay):
    signed = active()
    perform(signed.subscription.cancel, by=signed.user)
    again, invoice = choose_plan(signed.account, plans["growth"], by=signed.user)  # before the effect of the first

    run_effects()

    assert status(signed.account, again) == ["pending_payment", "pending_payment"]
    pay(invoice)
    assert status(signed.account, again) == ["active", "active"]


def test_dropping_a_choice_leaves_a_trial_its_days(customer, plans, run_effects):
    signed = customer("free")
    subscription, invoice = choose_plan(signed.account, plans["starter"], by=signed.user)

    perform(subscription.cancel, by=signed.user)
    run_effects()

    assert status(signed.account, invoice) == ["trial", "void"]
