"""The verbs that give birth to a row: sign up, issue an invoice, claim a payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.db.models import F
from django.db.transaction import atomic

from core.models import (
    Account,
    Invoice,
    Membership,
    NumberSeries,
    Payment,
    PaymentMethod,
    Plan,
    PlanPrice,
    Subscription,
    Transition,
    User,
)
from core.models.payment import normal_reference
from core.models.user import canonical_email
from core.money import money_text
from core.problems import Conflict, DuplicateClaim, PermissionDenied, ValidationError, WrongState
from workflows.engine import begin, perform
from workflows.ledger import grant, post
from workflows.periods import database_now, today_in

DAYS_TO_PAY = 7


@dataclass
class SignUp:
    user: User
    account: Account
    subscription: Subscription | None = None
    invoice: Invoice | None = None


def sign_up(
    *,
    email: str,
    password: str,
    account_name: str,
    plan: Plan,
    currency: str,
    billing: dict[str, str],
    payment_method: PaymentMethod | None = None,
) -> SignUp:
    """Open an account: on trial with its credits, or waiting for the payment of a first invoice.

    Raises Conflict when the e-mail address has an account already.
    """
    price = price_of(plan, currency)
    if User.objects.filter(email_canonical=canonical_email(email)).exists():
        raise _email_taken()
    try:
        with atomic():
            user = User.objects.create_user(email, password)
            is_free = price.amount == 0
            account = Account(
                status=Account.Status.TRIAL if is_free else Account.Status.PENDING_PAYMENT,
                name=account_name,
                currency=currency,
                **billing,
            )
            if is_free:
                account.trial_ends_on = _today(account) + timedelta(days=plan.trial_days)
            birth = begin(account, by=user, plan=plan.code)
            Membership.objects.create(account=account, user=user, role=Membership.Role.OWNER)
            if is_free:
                post([grant(account, plan.credits, key="grant:trial", description=plan.name, cause_id=birth.pk)])
                return SignUp(user, account)
            subscription, invoice = _subscribe(account, price, payment_method, by=user, cause=birth)
            return SignUp(user, account, subscription, invoice)
    except IntegrityError as error:
        if "core_user_email" in str(error):
            raise _email_taken() from error
        raise


def price_of(plan: Plan, currency: str) -> PlanPrice:
    """The plan's monthly price in that currency. Raises ValidationError when it has none."""
    price = plan.prices.filter(currency=currency, interval=PlanPrice.Interval.MONTH).first()
    if price is None:
        raise ValidationError({"currency": [f"The plan {plan.code} has no price in {currency}."]})
    return price


def issue_invoice(
    account: Account,
    *,
    total: Decimal,
    subscription: Subscription,
    cause: Transition,
    method: PaymentMethod | None,
) -> Invoice:
    """Demand money for a subscription's period: the next number, today's date, the customer's details as they are."""
    invoice = Invoice(
        account=account,
        subscription=subscription,
        currency=subscription.currency,
        total=total,
        payment_method=method,
        metadata={"subscription_id": str(subscription.pk)},
    )
    birth = begin(invoice, cause=cause)
    today = _today(account)
    perform(
        invoice.issue,
        cause=birth,
        number=_next_number("INV"),
        issued_on=today,
        due_on=today + timedelta(days=DAYS_TO_PAY),
        snapshot={
            **account.billing_snapshot(),
            "plan": subscription.plan.code,
            "price": money_text(subscription.price, subscription.currency),
            "currency": subscription.currency,
        },
    )
    return invoice


def claim_payment(
    *,
    invoice: Invoice,
    method: PaymentMethod,
    amount: Decimal,
    currency: str,
    reference: str,
    by: User,
    notes: str = "",
    proof_url: str = "",
    paid_on: date | None = None,
    payer_name: str = "",
) -> Payment:
    """Keep the customer's word that an invoice has been paid, for staff to decide on.

    Raises PermissionDenied for anybody but owners and admins, WrongState when nothing of the invoice is
    open, DuplicateClaim when this account has claimed the same reference already.
    """
    if by.role_in(invoice.account_id) not in Membership.MAY_PAY:
        raise PermissionDenied("Only owners and admins of the account may confirm payments.")
    if invoice.status not in Invoice.OPEN:
        raise WrongState(
            f"Cannot claim a payment of this invoice: it is {invoice.status}.",
            object_status=str(invoice.status),
            available=[],
            unmet=[],
        )
    earlier = Payment.objects.filter(invoice=invoice, status=Payment.Status.FAILED).order_by("-id").first()
    payment = Payment(
        account_id=invoice.account_id,
        invoice=invoice,
        method=method,
        amount=amount,
        currency=currency,
        reference=reference,
        reference_key=normal_reference(reference),
        notes=notes,
        proof_url=proof_url,
        paid_on=paid_on,
        payer_name=payer_name,
        submitted_by=by,
        retry_of=earlier,
    )
    try:
        with atomic():
            begin(payment, by=by, amount=amount, reference=reference)
    except IntegrityError as error:
        if "payment_reference_once" in str(error):
            raise _claimed_already(payment) from error
        raise
    return payment


def _subscribe(
    account: Account, price: PlanPrice, method: PaymentMethod | None, *, by: User, cause: Transition
) -> tuple[Subscription, Invoice]:
    subscription = Subscription(
        account=account, plan=price.plan, currency=price.currency, price=price.amount, interval=price.interval
    )
    birth = begin(subscription, by=by, cause=cause)
    invoice = issue_invoice(account, total=price.amount, subscription=subscription, cause=birth, method=method)
    return subscription, invoice


def _today(account: Account) -> date:
    return today_in(account.time_zone, database_now())


def _next_number(series: str) -> str:
    """INV-000001, INV-000002...: the row's lock is held until the invoice commits, so no number is lost."""
    NumberSeries.objects.get_or_create(code=series)
    NumberSeries.objects.filter(code=series).update(next=F("next") + 1)
    return f"{series}-{NumberSeries.objects.get(code=series).next - 1:06}"


def _claimed_already(payment: Payment) -> DuplicateClaim:
    earlier = Payment.objects.filter(
        account_id=payment.account_id, method=payment.method, reference_key=payment.reference_key
    ).exclude(status__in=[Payment.Status.FAILED, Payment.Status.CANCELLED])
    members: dict[str, Any] = {"payment_id": str(earlier.values_list("pk", flat=True)[0])}
    return DuplicateClaim("A payment with this reference is being reviewed or has been accepted already.", **members)


def _email_taken() -> Conflict:
    return Conflict("This e-mail address has an account already. Sign in, or reset its password.")
