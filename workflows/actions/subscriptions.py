from __future__ import annotations

from django.db.transaction import atomic
from django.utils.translation import gettext as _

from core.models import (
    Account,
    Invoice,
    Membership,
    Payment,
    PaymentMethod,
    Plan,
    PlanPrice,
    Subscription,
    User,
)
from core.models.billing_details import check_billable
from core.models.subscription import ACTIVE_STATUSES, NEXT, Terms
from core.problems import Conflict, PermissionDenied, ValidationError, WrongState
from core.security import rate_limits
from engine import available, create, perform
from engine.models import Transition
from workflows.lifecycle.invoicing import issue_invoice, renewals_of, replace_renewal
from workflows.periods import database_now, prorated, today_in
from workflows.settlement.locking import lock_account, lock_subscription
from workflows.settlement.settle import cancel_invoices, cancellable_invoices, paid_renewal_of


def price_of(plan: Plan, currency: str, interval: str = PlanPrice.Interval.MONTH) -> PlanPrice:
    """A free price is valid for both intervals."""
    prices = _prices_in(plan, currency)
    found = prices.get(interval) or next((price for price in prices.values() if price.amount == 0), None)
    if found is None:
        raise ValidationError({"interval" if prices else "currency": [_no_price(plan, currency)]})
    return found


def _prices_in(plan: Plan, currency: str) -> dict[str, PlanPrice]:
    """By interval."""
    return {price.interval: price for price in plan.offers() if price.currency == currency}


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
    terms = Terms.of(price)
    subscription = Subscription(
        account=account,
        plan=price.plan,
        currency=price.currency,
        price=terms.price,
        credits=terms.credits,
        interval=terms.interval,
        includes_tax=terms.includes_tax,
        previous=previous,
    )
    birth = create(subscription, by=by, cause=cause)
    invoice = issue_invoice(account, amount=terms.price, subscription=subscription, cause=birth, method=method)
    return subscription, invoice


def choose_plan(
    account: Account,
    plan: Plan,
    *,
    by: User,
    currency: str | None = None,
    method: PaymentMethod | None = None,
    interval: str | None = None,
) -> tuple[Subscription, Invoice | None]:
    """A larger plan at once, for a prorated invoice; else with the next period. A trial goes on until the plan is paid.

    The present plan takes back an earlier choice. interval: None: unchanged, else a month. Raises Conflict if it is the
    plan already, or while a payment for another choice is in review; TooManyRequests.
    """
    if by.role_in(account.pk) not in Membership.MAY_PAY:
        raise PermissionDenied(_("Only owners and admins of the account may choose its plan."))
    with atomic():
        account = lock_account(account)
        if account.status == Account.Status.CLOSED:
            raise Conflict(_("The account is closed."))
        rate_limits.enforce_account_limit("plan", account.pk)
        living = account.subscriptions.select_related("plan").filter(status__in=ACTIVE_STATUSES).first()
        if living is not None:
            if currency is not None and currency != living.currency:
                words = _("What is subscribed runs in %(currency)s.") % {"currency": living.currency}
                raise ValidationError({"currency": [words]})
            return _change_plan(account, living, plan, interval or living.interval, method)
        price = price_of(plan, currency or account.currency, interval or PlanPrice.Interval.MONTH)
        if price.amount == 0:
            raise ValidationError({"plan": [_("Choose a paid plan.")]})
        check_billable(account.billing_snapshot())
        previous = account.subscriptions.order_by("-id").first()
        _drop_earlier_choice(account)
        cause = perform(account.await_payment) if account.status == Account.Status.EXPIRED else None
        return subscribe(account, price, method, by=by, cause=cause, previous=previous)


def keep_plan(subscription: Subscription, *, by: User) -> Subscription:
    """Take back a choice for the next period, also to end.

    Raises WrongState if the subscription is over, Conflict if nothing was chosen.
    """
    if subscription.status not in ACTIVE_STATUSES:
        raise WrongState(
            f"Only a running subscription is kept: this one is {subscription.status}.",
            object_status=str(subscription.status),
            available=available(subscription, by),
            unmet=[],
        )
    kept, _invoice = choose_plan(subscription.account, subscription.plan, by=by, interval=subscription.interval)
    return kept


def cancel_at_period_end(subscription: Subscription, *, by: User) -> Subscription:
    """At once if the last paid period is over already. Raises WrongState."""
    if not subscription.may_be_changed_by(by):
        raise PermissionDenied(_("Only owners and admins of the account may cancel."))
    with atomic():
        account, row = lock_subscription(subscription)
        if row.status != Subscription.Status.ACTIVE:
            raise WrongState(
                f"Only an active subscription ends with its period: this one is {row.status}.",
                object_status=str(row.status),
                available=["cancel"],
                unmet=[],
            )
        if _is_over(account, row):
            perform(row.cancel, by=by)  # the day of its end is past, so no timer would end it
            return row
        row.cancel_at_period_end = True
        row.choose_next(None)
        row.save(update_fields=["cancel_at_period_end", *NEXT])
        cancel_invoices(renewals_of(row).filter(status__in=Invoice.OPEN), None).write()
    return row


def _is_over(account: Account, subscription: Subscription) -> bool:
    assert subscription.period_end is not None
    if today_in(account.time_zone, database_now()) < subscription.period_end:
        return False
    return paid_renewal_of(subscription) is None


def _change_plan(
    account: Account, subscription: Subscription, plan: Plan, interval: str, method: PaymentMethod | None
) -> tuple[Subscription, Invoice | None]:
    """Every choice about this period and the next; the latest counts."""
    is_present = (plan.pk, interval) == (subscription.plan_id, subscription.interval)
    if is_present and not (subscription.next_plan_id or subscription.cancel_at_period_end):
        raise Conflict(_("The plan is %(plan)s already.") % {"plan": plan.name})
    if subscription.status != Subscription.Status.ACTIVE:
        raise Conflict(_("The plan cannot be changed now: pay what is open first."))
    if is_present:
        return _change_next(account, subscription, None)
    terms = _terms_of(plan, subscription.currency, interval, is_other=interval != subscription.interval)
    if (terms.interval, terms.includes_tax) != (subscription.interval, subscription.includes_tax):
        return _change_next(account, subscription, terms)  # a price with tax is not comparable to one without
    today = today_in(account.time_zone, database_now())
    start, end = subscription.period_start, subscription.period_end
    assert start is not None
    assert end is not None
    if today >= end:
        raise Conflict(_("The period is over: pay its renewal first."))
    total = prorated(terms.price - subscription.price, subscription.currency, on=today, start=start, end=end)
    if total <= 0:
        return _change_next(account, subscription, terms)
    if renewals_of(subscription).exclude(status__in=[Invoice.Status.PENDING, Invoice.Status.VOID]).exists():
        words = _("The next period is paid for: change to a larger plan when it has begun, on %(day)s.")
        raise Conflict(words % {"day": end})
    earlier = subscription.invoices.filter(
        purpose=Invoice.Purpose.UPGRADE, status__in=Invoice.OPEN, began_on__isnull=True
    )
    if Payment.objects.filter(invoice__in=earlier).in_review().exists():
        raise Conflict(_("A payment for the plan chosen before is in review: wait for it, or withdraw it."))
    cancel_invoices(earlier, None).write()
    invoice = issue_invoice(
        account,
        amount=total,
        subscription=subscription,
        cause=None,
        method=method or account.default_payment_method,
        purpose=Invoice.Purpose.UPGRADE,
        period=(today, end),
        terms=terms,
    )
    return subscription, invoice


def _terms_of(plan: Plan, currency: str, interval: str, *, is_other: bool) -> Terms:
    """is_other: the interval differs from the present one."""
    prices = _prices_in(plan, currency)
    if any(price.amount == 0 for price in prices.values()):
        raise ValidationError({"plan": [_("Choose a paid plan, or cancel.")]})
    if interval not in prices:
        raise ValidationError({"interval" if is_other and prices else "plan": [_no_price(plan, currency)]})
    return Terms.of(prices[interval])


def _change_next(account: Account, subscription: Subscription, terms: Terms | None) -> tuple[Subscription, None]:
    """terms: None: those of this period."""
    if any(invoice.payments.in_review().exists() for invoice in renewals_of(subscription)):
        raise Conflict(_("A payment for the next period is in review: wait for it, or withdraw it."))
    subscription.cancel_at_period_end = False
    subscription.choose_next(terms)
    subscription.save(update_fields=["cancel_at_period_end", *NEXT])
    replace_renewal(account, subscription, cause=None)
    return subscription, None


def _drop_earlier_choice(account: Account) -> None:
    for subscription in account.subscriptions.filter(status=Subscription.Status.PENDING_PAYMENT):
        for invoice in subscription.invoices.filter(status__in=Invoice.OPEN):
            if invoice.status == Invoice.Status.PARTIALLY_PAID:
                words = _("%(number)s is paid in part: pay the rest of it, or ask us.")
                raise Conflict(words % {"number": invoice.number})
            if invoice.payments.in_review().exists():
                raise Conflict(_("A payment for the plan chosen before is in review: wait for it, or withdraw it."))
        cancel_invoices(cancellable_invoices(subscription.invoices.all()), None).write()
        perform(subscription.expire)
