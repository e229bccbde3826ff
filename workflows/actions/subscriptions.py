"""Choosing a plan, changing it, letting it end."""

from __future__ import annotations

from django.db.transaction import atomic

from core.models import (
    Account,
    Invoice,
    Membership,
    PaymentMethod,
    Plan,
    PlanPrice,
    Subscription,
    Transition,
    User,
)
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from workflows.actions.invoices import issue_invoice
from workflows.books import LIVING, lock_account, lock_subscription
from workflows.engine import begin, perform
from workflows.periods import database_now, prorated, today_in


def price_of(plan: Plan, currency: str, interval: str = PlanPrice.Interval.MONTH) -> PlanPrice:
    """The plan's price in that currency for a month or a year. Raises ValidationError when it has none."""
    price = plan.prices.filter(currency=currency, interval=interval).first()
    if price is None:
        raise ValidationError({"currency": [f"The plan {plan.code} has no price in {currency}."]})
    return price


def subscribe(
    account: Account,
    price: PlanPrice,
    method: PaymentMethod | None,
    *,
    by: User,
    cause: Transition | None,
    previous: Subscription | None = None,
) -> tuple[Subscription, Invoice]:
    """A subscription that waits for its first invoice to be paid, and that invoice."""
    subscription = Subscription(
        account=account,
        plan=price.plan,
        currency=price.currency,
        price=price.amount,
        interval=price.interval,
        previous=previous,
    )
    birth = begin(subscription, by=by, cause=cause)
    invoice = issue_invoice(account, total=price.amount, subscription=subscription, cause=birth, method=method)
    return subscription, invoice


def choose_plan(
    account: Account,
    plan: Plan,
    *,
    by: User,
    currency: str | None = None,
    method: PaymentMethod | None = None,
    interval: str = PlanPrice.Interval.MONTH,
) -> tuple[Subscription, Invoice | None]:
    """Subscribe, or change what is subscribed: to a larger plan at once for a prorated invoice, to a smaller one
    with the next period.

    A live trial goes on until the new plan is paid for. Raises PermissionDenied, ValidationError without a price,
    Conflict when it is the plan already or a payment for another choice is in review.
    """
    if by.role_in(account.pk) not in Membership.MAY_PAY:
        raise PermissionDenied("Only owners and admins of the account may choose its plan.")
    with atomic():
        account = lock_account(account)
        living = account.subscriptions.select_related("plan").filter(status__in=LIVING).first()
        if living is not None:
            return _change_plan(account, living, plan, method)
        if account.status == Account.Status.CLOSED:
            raise Conflict("The account is closed.")
        price = price_of(plan, currency or account.currency, interval)
        if price.amount == 0:
            raise ValidationError({"plan": ["Choose a paid plan."]})
        previous = account.subscriptions.order_by("-id").first()
        _drop_earlier_choice(account)
        cause = perform(account.await_payment) if account.status == Account.Status.EXPIRED else None
        return subscribe(account, price, method, by=by, cause=cause, previous=previous)


def cancel_at_period_end(subscription: Subscription, *, by: User) -> Subscription:
    """Let a subscription end with the period that is paid for. Raises PermissionDenied, WrongState."""
    if not subscription.may_be_changed_by(by):
        raise PermissionDenied("Only owners and admins of the account may cancel.")
    with atomic():
        _, row = lock_subscription(subscription)
        if row.status != Subscription.Status.ACTIVE:
            raise WrongState(
                f"Only an active subscription ends with its period: this one is {row.status}.",
                object_status=str(row.status),
                available=["cancel"],
                unmet=[],
            )
        row.cancel_at_period_end = True
        row.save(update_fields=["cancel_at_period_end"])
        for invoice in row.invoices.filter(purpose=Invoice.Purpose.RENEWAL, status=Invoice.Status.PENDING):
            perform(invoice.lapse)
    return row


def _change_plan(
    account: Account, subscription: Subscription, plan: Plan, method: PaymentMethod | None
) -> tuple[Subscription, Invoice | None]:
    if plan.pk == subscription.plan_id:
        raise Conflict(f"The plan is {plan.name} already.")
    if subscription.status != Subscription.Status.ACTIVE:
        raise Conflict(f"The subscription is {subscription.status}: pay what is open first.")
    price = plan.prices.filter(currency=subscription.currency, interval=subscription.interval).first()
    if price is None:
        raise ValidationError({"plan": [f"The plan {plan.code} has no price in {subscription.currency}."]})
    if price.amount < subscription.price:
        subscription.next_plan = plan
        subscription.save(update_fields=["next_plan"])
        return subscription, None
    today = today_in(account.time_zone, database_now())
    start, end = subscription.period_start, subscription.period_end
    assert start is not None
    assert end is not None
    total = prorated(price.amount - subscription.price, subscription.currency, on=today, start=start, end=end)
    for earlier in subscription.invoices.filter(purpose=Invoice.Purpose.UPGRADE, status=Invoice.Status.PENDING):
        perform(earlier.lapse)
    invoice = issue_invoice(
        account,
        total=total,
        subscription=subscription,
        cause=None,
        method=method or account.default_payment_method,
        purpose=Invoice.Purpose.UPGRADE,
        period=(today, end),
        metadata={"upgrade_to": str(plan.pk), "upgrade_price": f"{price.amount:f}"},
    )
    return subscription, invoice


def _drop_earlier_choice(account: Account) -> None:
    """A plan that was chosen and not paid for makes room for the next."""
    for subscription in account.subscriptions.filter(status=Subscription.Status.PENDING_PAYMENT):
        for invoice in subscription.invoices.filter(status=Invoice.Status.PENDING):
            if invoice.payments.in_review().exists():
                raise Conflict("A payment for the plan chosen before is in review: wait for it, or withdraw it.")
            perform(invoice.lapse)
        perform(subscription.expire)
