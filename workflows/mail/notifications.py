"""Each mail is one effect: sent again after a crash, it carries the same Message-ID."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from core.models import Account, Allocation, CreditNote, Document, Invoice, Payment, Policy, Refund, Subscription, User
from core.models.document import document_key
from core.models.subscription import ACTIVE_STATUSES
from engine.models import Effect
from workflows.mail import context
from workflows.mail.payment_instructions import ways_to_pay
from workflows.mail.sending import EmailContext, mail
from workflows.mail.verification import was_postponed
from workflows.periods import database_now, today_in

LISTED = 20  # claims per mail
ASKED = ("account", "subscription", "payment_method")  # read with an invoice


@mail("trial_started")
def mail_trial_start(account: Account, effect: Effect) -> EmailContext:
    return EmailContext(context.trial_started(account), answers=True, to_log_in=True)


@mail("trial_ending")
def mail_trial_ending(account: Account, effect: Effect) -> EmailContext | None:
    if account.status != Account.Status.TRIAL:
        return None
    return EmailContext(context.trial_ending(account))


@mail("trial_ended")
def mail_trial_end(account: Account, effect: Effect) -> EmailContext | None:
    # After other ends the subscription's mail says so.
    if effect.transition is None or effect.transition.source != Account.Status.TRIAL:
        return None
    chosen = account.invoices.filter(status__in=Invoice.OPEN).order_by("due_on").first()
    return EmailContext(context.trial_ended(account, chosen))


# Brought by their documents, each once: see workflows.documents.bringing.
@mail("invoice_issued", related=ASKED, purgeable=True)
def mail_invoice(invoice: Invoice, effect: Effect) -> EmailContext | None:
    is_open = invoice.status in Invoice.OPEN
    if invoice.status == Invoice.Status.VOID or (was_postponed(effect) and not is_open):
        return None
    words = context.invoice_issued(invoice, invoice.plan_name, ways_to_pay(invoice))
    paper = document_key("invoice", invoice.pk)
    return EmailContext(words, answers=is_open, document=paper, to_pay=invoice if is_open else None)


@mail("invoice_reminder", related=ASKED)
def mail_reminder(invoice: Invoice, effect: Effect) -> EmailContext | None:
    # Lateness is counted when it is sent.
    if invoice.status not in Invoice.OPEN or invoice.due_on is None:
        return None
    if was_postponed(effect) and _is_followed(invoice, effect):
        return None
    days_late = (today_in(invoice.account.time_zone, database_now()) - invoice.due_on).days
    words = context.invoice_reminder(invoice, invoice.plan_name, ways_to_pay(invoice), days_late=days_late)
    return EmailContext(words, to_pay=invoice)


@mail("payment_submitted", to_staff=True, revision=2)
def mail_reviewers(payment: Payment, effect: Effect) -> EmailContext | None:
    # Of this claim, or of the undecided ones of the payload's `claims`.
    if payment.bank_line_id is not None:
        return None  # recorded and approved in one step
    if "claims" not in effect.payload:
        words = context.payment_submitted(payment, days_waiting=effect.payload.get("days_waiting", 0))
        return EmailContext(words, to=reviewers())
    named = Payment.objects.filter(pk__in=effect.payload["claims"], status=Payment.Status.PENDING_APPROVAL)
    waiting = list(named.select_related("account", "invoice__account", "method").order_by("pk"))
    count = len(waiting) + effect.payload.get("more", 0)
    if count > 1:
        return EmailContext(context.payments_submitted(waiting[:LISTED], count), to=reviewers())
    return EmailContext(context.payment_submitted(waiting[0]), to=reviewers()) if waiting else None


@mail(
    "payment_approved",
    related=("account", "invoice__subscription"),
    prefetch=("allocations", "balance_entries"),
    purgeable=True,
)
def mail_approval(payment: Payment, effect: Effect) -> EmailContext:
    if payment.invoice is not None:
        payment.invoice.account = payment.account  # the same: its key says so
    words = context.payment_approved(
        payment,
        payment.invoice.plan_name if payment.invoice else "",
        allocated=allocated_by(payment),
        to_balance=sum((line.amount for line in payment.balance_entries.all() if line.amount > 0), Decimal(0)),
    )
    return EmailContext(words, answers=True, document=document_key("receipt", payment.pk))


@mail("document", related=("account",))
def mail_document(document: Document, effect: Effect) -> EmailContext:
    return EmailContext(context.document(document), document=document.key, attaches_always=True)


@mail("payment_rejected")
def mail_rejection(payment: Payment, effect: Effect) -> EmailContext:
    assert payment.invoice is not None  # what a bank line brought is not rejected
    return EmailContext(context.payment_rejected(payment, ways_to_pay(payment.invoice)), answers=True)


@mail("payment_partial", related=ASKED)
def mail_partial_payment(invoice: Invoice, effect: Effect) -> EmailContext | None:
    if invoice.status != Invoice.Status.PARTIALLY_PAID:
        return None
    return EmailContext(context.payment_partial(invoice, ways_to_pay(invoice)), answers=True)


@mail("payment_reversed")
def mail_reversal(payment: Payment, effect: Effect) -> EmailContext:
    step = effect.transition
    if step is not None and step.name == "reverse_part":
        part, why = Decimal(step.inputs["amount"]), step.inputs["reason_given"]
        return EmailContext(context.payment_reversed_in_part(payment, part, reason=why), answers=True)
    words = context.payment_reversed(payment, allocated=allocated_by(payment))
    return EmailContext(words, answers=True)


# Brought by its document.
@mail("credit_note_issued", related=("account", "invoice"), purgeable=True)
def mail_credit_note(note: CreditNote, effect: Effect) -> EmailContext:
    return EmailContext(context.credit_note_issued(note), answers=True, document=document_key("credit_note", note.pk))


@mail("refund_sent")
def mail_refund_sent(refund: Refund, effect: Effect) -> EmailContext | None:
    # Later it may have failed, which has a mail of its own.
    if refund.status in Refund.PAID:
        return EmailContext(context.refund_sent(refund), answers=True)
    return None


@mail("refund_failed")
def mail_refund_failed(refund: Refund, effect: Effect) -> EmailContext:
    return EmailContext(context.refund_failed(refund), answers=True)


@mail("subscription_past_due", related=("account", "plan"))
def mail_past_due(subscription: Subscription, effect: Effect) -> EmailContext:
    suspended_on = _days_after(effect, subscription.account, Policy.current().grace_days)
    words = context.subscription_past_due(subscription, open_invoice(subscription), suspended_on)
    return EmailContext(words)


@mail("subscription_suspended", related=("account", "plan"))
def mail_suspension(subscription: Subscription, effect: Effect) -> EmailContext:
    given_up_on = _days_after(effect, subscription.account, Policy.current().suspension_days)
    words = context.subscription_suspended(subscription, open_invoice(subscription), given_up_on)
    return EmailContext(words)


@mail("subscription_cancelled", related=("account", "plan"))
def mail_cancellation(subscription: Subscription, effect: Effect) -> EmailContext:
    account = subscription.account
    successor = (
        account.subscriptions.filter(status__in=ACTIVE_STATUSES).exclude(pk=subscription.pk).select_related("plan")
    )
    took_its_place = successor.first()
    words = context.subscription_cancelled(
        subscription,
        unpaid=effect.transition is not None
        and (effect.transition.name, effect.transition.source) == ("end", Subscription.Status.SUSPENDED),
        successor=took_its_place.plan.name if took_its_place else "",
        freed=freed_by(subscription),
    )
    return EmailContext(words)


@mail("effects_dead", to_staff=True)
def mail_dead_effects(_: None, effect: Effect) -> EmailContext:
    kind = effect.payload["kind"]
    on_the_desk = Effect.objects.filter(kind=kind, state__in=Effect.NEEDS_ATTENTION).order_by("-id")
    return EmailContext(context.effects_dead(kind, on_the_desk[:20]), to=settings.OPERATOR_EMAILS)


@mail("address_refused", to_staff=True)
def mail_refused_address(account: Account, effect: Effect) -> EmailContext:
    """Once for an address; its account's owners get the mails instead."""
    words = context.address_refused(account, effect.payload["email"], effect.payload["answer"])
    return EmailContext(words, to=settings.OPERATOR_EMAILS)


def reviewers() -> list[str]:
    # Else the operators: a claim never waits unseen.
    return (
        list(User.objects.staff_with("core.review_payment").values_list("email", flat=True)) or settings.OPERATOR_EMAILS
    )


def open_invoice(subscription: Subscription) -> Invoice | None:
    """The one to pay first."""
    return subscription.invoices.filter(status__in=Invoice.OPEN).order_by("due_on").first()


def freed_by(subscription: Subscription) -> Decimal:
    """What was paid for periods and upgrades that never began."""
    paid = Allocation.objects.standing_or_cut().filter(
        invoice__subscription=subscription,
        invoice__began_on__isnull=True,
        payment__status=Payment.Status.SUCCEEDED,
    )
    return paid.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def allocated_by(payment: Payment) -> Decimal:
    """What it paid of its own invoice, also if that was reversed since; without parts that were taken back."""
    own = (line for line in payment.allocations.all() if line.invoice_id == payment.invoice_id)
    return sum((line.amount for line in own if line.stands_or_was_cut), Decimal(0))


def _is_followed(invoice: Invoice, effect: Effect) -> bool:
    # A later reminder says the same as of today.
    own: int = effect.payload["step"]
    later = [f"reminder:{invoice.pk}:{step}" for step in Policy.current().reminder_steps if step > own]
    return Effect.objects.filter(key__in=later).exists()


def _days_after(effect: Effect, account: Account, days: int) -> date | None:
    """In the customer's time zone."""
    if effect.transition is None:
        return None
    return today_in(account.time_zone, effect.transition.at) + timedelta(days=days)
