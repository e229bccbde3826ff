"""What people are told. Each mail is one effect: sent again after a crash, it carries the same Message-ID."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet

from core.models import Account, Effect, Invoice, Payment, Subscription, User
from core.money import money_text
from workflows.engine import effect
from workflows.mail import send

Outcome = dict[str, Any]


@effect("mail.trial_started", outward=True)
def mail_trial_start(account: Account, debt: Effect) -> Outcome:
    return send(debt, "trial_started", recipients(account), account=account)


@effect("mail.invoice_issued", outward=True)
def mail_invoice(invoice: Invoice, debt: Effect) -> Outcome:
    return send(debt, "invoice_issued", recipients(invoice.account), **about_invoice(invoice))


@effect("mail.payment_submitted", outward=True)
def mail_reviewers(payment: Payment, debt: Effect) -> Outcome:
    return send(debt, "payment_submitted", reviewers(), **about_payment(payment))


@effect("mail.payment_approved", outward=True)
def mail_approval(payment: Payment, debt: Effect) -> Outcome:
    return send(debt, "payment_approved", recipients(payment.account), **about_payment(payment))


@effect("mail.payment_rejected", outward=True)
def mail_rejection(payment: Payment, debt: Effect) -> Outcome:
    return send(debt, "payment_rejected", recipients(payment.account), **about_payment(payment))


@effect("mail.payment_partial", outward=True)
def mail_partial_payment(invoice: Invoice, debt: Effect) -> Outcome:
    return send(debt, "payment_partial", recipients(invoice.account), **about_invoice(invoice))


@effect("mail.effects_dead", outward=True)
def mail_dead_effects(_: None, debt: Effect) -> Outcome:
    kind = debt.payload["kind"]
    on_the_desk = Effect.objects.filter(kind=kind, state__in=Effect.ON_THE_DESK)
    return send(debt, "effects_dead", settings.OPERATOR_EMAILS, kind=kind, effects=on_the_desk[:20])


@effect("mail.trial_ending", outward=True)
def mail_trial_ending(account: Account, debt: Effect) -> Outcome | None:
    """Nothing to say to somebody who has paid meanwhile."""
    if account.status != Account.Status.TRIAL:
        return None
    return send(debt, "trial_ending", recipients(account), account=account)


@effect("mail.trial_ended", outward=True)
def mail_trial_end(account: Account, debt: Effect) -> Outcome | None:
    """Only a trial that ended is news: for other ends the subscription's mail has told."""
    if debt.transition is None or debt.transition.source != Account.Status.TRIAL:
        return None
    return send(debt, "trial_ended", recipients(account), account=account)


@effect("mail.invoice_reminder", outward=True)
def mail_reminder(invoice: Invoice, debt: Effect) -> Outcome | None:
    """Looked at again when it is sent: nobody is reminded of what is paid."""
    if invoice.status not in Invoice.OPEN:
        return None
    days = debt.payload["step"]
    return send(
        debt, "invoice_reminder", recipients(invoice.account), days=days, late=days > 0, **about_invoice(invoice)
    )


@effect("mail.payment_reversed", outward=True)
def mail_reversal(payment: Payment, debt: Effect) -> Outcome:
    return send(debt, "payment_reversed", recipients(payment.account), **about_payment(payment))


@effect("mail.subscription_past_due", outward=True)
def mail_past_due(subscription: Subscription, debt: Effect) -> Outcome:
    return send(debt, "subscription_past_due", recipients(subscription.account), **about_subscription(subscription))


@effect("mail.subscription_suspended", outward=True)
def mail_suspension(subscription: Subscription, debt: Effect) -> Outcome:
    return send(debt, "subscription_suspended", recipients(subscription.account), **about_subscription(subscription))


@effect("mail.subscription_cancelled", outward=True)
def mail_cancellation(subscription: Subscription, debt: Effect) -> Outcome:
    return send(debt, "subscription_cancelled", recipients(subscription.account), **about_subscription(subscription))


def recipients(account: Account) -> list[str]:
    """Where an account's bills go: its billing address, else its owners."""
    if account.billing_email:
        return [account.billing_email]
    return list(account.memberships.filter(role="owner").values_list("user__email", flat=True))


def reviewers() -> list[str]:
    """Everybody who was given the queue, else the operators: a claim never waits unseen."""
    permission = Q(codename="review_payment", content_type__app_label="core")
    users = User.objects.filter(is_active=True).filter(
        Q(user_permissions__in=_permissions(permission)) | Q(groups__permissions__in=_permissions(permission))
    )
    return list(users.distinct().order_by("email").values_list("email", flat=True)) or settings.OPERATOR_EMAILS


def about_invoice(invoice: Invoice) -> dict[str, Any]:
    return {
        "account": invoice.account,
        "invoice": invoice,
        "total": money_text(invoice.total, invoice.currency),
        "outstanding": money_text(invoice.outstanding, invoice.currency),
        "currency": invoice.currency,
        "plan": invoice.metadata.get("billing_snapshot", {}).get("plan", ""),
    }


def about_subscription(subscription: Subscription) -> dict[str, Any]:
    invoice = subscription.invoices.filter(status__in=Invoice.OPEN).order_by("due_on").first()
    about = about_invoice(invoice) if invoice else {"account": subscription.account, "invoice": None}
    return {**about, "subscription": subscription, "plan": subscription.plan.name}


def about_payment(payment: Payment) -> dict[str, Any]:
    subscription: Subscription | None = payment.invoice.subscription
    return {
        **about_invoice(payment.invoice),
        "payment": payment,
        "subscription": subscription,
        "amount": money_text(payment.amount, payment.currency),
        "received": payment.received and money_text(payment.received, payment.currency),
        "currency": payment.currency,
        "reason": payment.get_reason_code_display(),
    }


def _permissions(which: Q) -> QuerySet[Permission]:
    return Permission.objects.filter(which)
