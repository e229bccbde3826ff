"""Choosing a plan, changing it, letting it end."""

from __future__ import annotations

from decimal import Decimal

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.billing_details import check_billable
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
from core.models.invoice import InvoiceQuerySet
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from workflows.actions.invoices import issue_invoice
from workflows.books import LIVING, lock_account, lock_subscription
from workflows.engine import begin, perform
from workflows.periods import database_now, period_end, prorated, today_in


def price_of(plan: Plan, currency: str, interval: str = PlanPrice.Interval.MONTH) -> PlanPrice:
    """The plan's price in that currency for a month or a year; free is free for both.

    Raises ValidationError when it has none, naming `interval` where only that is to blame.
    """
    prices = {price.interval: price for price in plan.prices.filter(currency=currency)}
    found = prices.get(interval) or next((price for price in prices.values() if price.amount == 0), None)
    if found is None:
        raise ValidationError({"interval" if prices else "currency": [_no_price(plan, currency)]})
    return found


def _no_price(plan: Plan, currency: str) -> str:
    return _("The plan %(plan)s has no such price in %(currency)s.") % {"plan": plan.code, "currency": currency}


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

    A live trial goes on until the new plan is paid for. Raises PermissionDenied, ValidationError without a price or
    without somebody to bill, Conflict when it is the plan already or a payment for another choice is in review.
    """
    if by.role_in(account.pk) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may choose its plan."))
    with atomic():
        account = lock_account(account)
        if account.status == Account.Status.CLOSED:
            raise Conflict(_("The account is closed."))
        living = account.subscriptions.select_related("plan").filter(status__in=LIVING).first()
        if living is not None:
            return _change_plan(account, living, plan, method)
        price = price_of(plan, currency or account.currency, interval)
        if price.amount == 0:
            raise ValidationError({"plan": [_("Choose a paid plan.")]})
        check_billable(account.billing_snapshot())
        previous = account.subscriptions.order_by("-id").first()
        _drop_earlier_choice(account)
        cause = perform(account.await_payment) if account.status == Account.Status.EXPIRED else None
        return subscribe(account, price, method, by=by, cause=cause, previous=previous)


def issue_renewal(account: Account, subscription: Subscription, *, cause: Transition | None) -> Invoice | None:
    """Demand the price of the next period, of the plan that was chosen for it; None where there is nothing to demand.

    The caller holds the account. One per period: the database refuses a second.
    """
    start, price = subscription.period_end, next_price(subscription)
    if price == 0 or start is None or subscription.cancel_at_period_end:
        return None
    if renewals_of(subscription).exclude(status=Invoice.Status.VOID).exists():
        return None
    assert subscription.anchor_day is not None
    return issue_invoice(
        account,
        total=price,
        subscription=subscription,
        cause=cause,
        method=account.default_payment_method,
        purpose=Invoice.Purpose.RENEWAL,
        period=(start, period_end(start, subscription.interval, subscription.anchor_day)),
        due_on=max(start, today_in(account.time_zone, database_now())),
        plan=subscription.next_plan or subscription.plan,
        price=price,
    )


def replace_renewal(account: Account, subscription: Subscription, *, cause: Transition | None) -> None:
    """What the next period costs has changed: where it was demanded and nothing paid, demand it anew."""
    for invoice in renewals_of(subscription).filter(status=Invoice.Status.PENDING).select_for_update(no_key=True):
        perform(invoice.lapse, cause=cause)
        issue_renewal(account, subscription, cause=cause)


def renewals_of(subscription: Subscription) -> InvoiceQuerySet:
    """The invoices of the period after this one: at most one that is not void."""
    return Invoice.objects.filter(
        subscription=subscription, purpose=Invoice.Purpose.RENEWAL, period_start=subscription.period_end
    )


def next_price(subscription: Subscription) -> Decimal:
    plan = subscription.next_plan
    if plan is None:
        return subscription.price
    return plan.prices.get(currency=subscription.currency, interval=subscription.interval).amount


def cancel_at_period_end(subscription: Subscription, *, by: User) -> Subscription:
    """Let a subscription end with the last period that is paid for. Raises PermissionDenied, WrongState."""
    if not subscription.may_be_changed_by(by):
        raise PermissionDenied(_("Only owners and admins of the account may cancel."))
    with atomic():
        _account, row = lock_subscription(subscription)
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
    if plan.pk == subscription.plan_id and subscription.next_plan_id is None:
        raise Conflict(_("The plan is %(plan)s already.") % {"plan": plan.name})
    if subscription.status != Subscription.Status.ACTIVE:
        raise Conflict(_("The plan cannot be changed now: pay what is open first."))
    if plan.pk == subscription.plan_id:
        return _change_next(account, subscription, None)
    price = plan.prices.filter(currency=subscription.currency, interval=subscription.interval).first()
    if price is None:
        raise ValidationError({"plan": [_no_price(plan, subscription.currency)]})
    if price.amount == 0:
        raise ValidationError({"plan": [_("Choose a paid plan, or cancel.")]})
    today = today_in(account.time_zone, database_now())
    start, end = subscription.period_start, subscription.period_end
    assert start is not None
    assert end is not None
    if today >= end:
        raise Conflict(_("The period is over: pay its renewal first."))
    total = prorated(price.amount - subscription.price, subscription.currency, on=today, start=start, end=end)
    if total <= 0:
        return _change_next(account, subscription, plan)
    if renewals_of(subscription).exclude(status__in=[Invoice.Status.PENDING, Invoice.Status.VOID]).exists():
        words = _("The next period is paid for: change to a larger plan when it has begun, on %(day)s.")
        raise Conflict(words % {"day": end})
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
        plan=plan,
        price=price.amount,
        metadata={"upgrade_to": str(plan.pk), "upgrade_price": f"{price.amount:f}"},
    )
    return subscription, invoice


def _change_next(account: Account, subscription: Subscription, plan: Plan | None) -> tuple[Subscription, None]:
    """Let the next period be of that plan, None: of the same as this one; also where it was demanded already."""
    if any(invoice.payments.in_review().exists() for invoice in renewals_of(subscription)):
        raise Conflict(_("A payment for the next period is in review: wait for it, or withdraw it."))
    subscription.next_plan = plan
    subscription.save(update_fields=["next_plan"])
    replace_renewal(account, subscription, cause=None)
    return subscription, None


def _drop_earlier_choice(account: Account) -> None:
    """A plan that was chosen and not paid for makes room for the next."""
    for subscription in account.subscriptions.filter(status=Subscription.Status.PENDING_PAYMENT):
        for invoice in subscription.invoices.filter(status__in=Invoice.OPEN):
            if invoice.status == Invoice.Status.PARTIALLY_PAID:
                words = _("%(number)s is paid in part: pay the rest of it, or ask us.")
                raise Conflict(words % {"number": invoice.number})
            if invoice.payments.in_review().exists():
                raise Conflict(_("A payment for the plan chosen before is in review: wait for it, or withdraw it."))
            perform(invoice.lapse)
        perform(subscription.expire)
