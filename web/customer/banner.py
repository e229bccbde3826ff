"""What is wrong with an account, and the one thing to do about it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from core.models import Account, Invoice, Payment, Policy
from core.models.subscription import ACTIVE_STATUSES
from web.amounts import money
from web.customer.access import MemberRequest, members_only
from web.status_labels import excess_text
from workflows.actions.sites import excess_of_usage, usage_of
from workflows.mail.rejection_reasons import reason_for
from workflows.periods import database_now, today_in

Status = Account.Status
REVIEW_POLL_SECONDS = 4
PAYMENT_POLL_SECONDS = 20  # while the customer is to pay

HOW_TO_PAY = "#pay"  # fragment of an invoice's page


@dataclass(frozen=True)
class Banner:
    tone: str
    title: str | SafeString
    words: str | SafeString
    action: str = ""
    address: str = ""
    place: str = ""  # fragment of `address`, for a user who is on that page already


@dataclass(frozen=True)
class Standing:
    """An account, its oldest open invoice and the last payment for it."""

    account: Account
    invoice: Invoice | None
    payment: Payment | None

    @property
    def is_in_review(self) -> bool:
        return self.payment is not None and self.payment.status in (
            Payment.Status.PENDING_APPROVAL,
            Payment.Status.APPROVED,
        )

    @property
    def signature(self) -> str:
        """Changes whenever anything shown has changed."""
        rows = [(row.pk, row.version) for row in (self.account, self.invoice, self.payment) if row is not None]
        facts = f"{rows} {self.account.credits} {self.account.is_billing_email_refused}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    @property
    def next_look(self) -> int | None:
        """Seconds until the next poll; None while nothing is pending."""
        if self.is_in_review:
            return REVIEW_POLL_SECONDS
        return PAYMENT_POLL_SECONDS if self.invoice is not None and self.account.status != Status.ACTIVE else None


def standing_of(account: Account) -> Standing:
    invoice = account.invoices.filter(status__in=Invoice.OPEN).order_by("due_on", "pk").first()
    payment = (
        account.payments.filter(invoice=invoice).select_related("method").order_by("-pk").first() if invoice else None
    )
    return Standing(account, invoice, payment)


def banner_of(standing: Standing) -> Banner | None:
    account = standing.account
    if account.status == Status.CLOSED:
        words = _(
            "Nothing can be changed any more. To begin again, sign out and sign up with the same address: "
            "you get a new account, and this one can no longer be opened."
        )
        return Banner("bad", _("This account is closed"), words)
    return _about_money(standing) or _about_limits(account)


def _about_money(standing: Standing) -> Banner | None:
    account, invoice, payment = standing.account, standing.invoice, standing.payment
    if invoice is None:
        return _without_invoice(account)
    to_pay = reverse("invoice", args=[invoice.pk])
    if standing.is_in_review and payment is not None:
        return Banner(
            "info",
            _("We are checking your payment"),
            _words(
                _("%(amount)s for invoice %(number)s. This page changes by itself when it is confirmed."),
                invoice,
                payment,
            ),
            _("See the payment"),
            reverse("payment", args=[payment.pk]),
        )
    if payment is not None and payment.status == Payment.Status.FAILED:
        why = reason_for(payment.reason_code)
        words = f"{why.what} {why.next}"
        return Banner("bad", _("Your payment was not accepted"), words, _("Try again"), to_pay, HOW_TO_PAY)
    if invoice.status == Invoice.Status.PARTIALLY_PAID:
        words = _words(_("%(amount)s of invoice %(number)s is still open."), invoice)
        return Banner("warn", _("A part is missing"), words, _("Pay the rest"), to_pay, HOW_TO_PAY)
    return _to_pay(account, invoice, to_pay)


def unreachable(account: Account) -> Banner | None:
    """About a refused billing address, beside the other banner."""
    if account.status == Status.CLOSED or not account.is_billing_email_refused:
        return None
    words = _("Its mail server refuses our mails. Until you change it, they go to the owners of the account.")
    title = mark_safe(  # noqa: S308 - our own sentence with an escaped address
        escape(_("We cannot reach %(email)s")) % {"email": format_html("<bdi>{}</bdi>", account.billing_email)}
    )
    return Banner("bad", title, words, _("Change the address"), reverse("billing"))


def _to_pay(account: Account, invoice: Invoice, to_pay: str) -> Banner | None:
    match account.status:
        case Status.PENDING_PAYMENT:
            words = _words(_("Pay invoice %(number)s, %(amount)s, by %(due)s, then tell us."), invoice)
            return Banner("warn", _("One step left: your payment"), words, _("Pay the invoice"), to_pay, HOW_TO_PAY)
        case Status.PAST_DUE:
            words = _words(
                _("Invoice %(number)s, %(amount)s, was due on %(due)s. Pay it to keep your service."), invoice
            )
            return Banner("bad", _("Your payment is overdue"), words, _("Pay now"), to_pay, HOW_TO_PAY)
        case Status.SUSPENDED:
            words = _words(_("Credits cannot be used until invoice %(number)s, %(amount)s, is paid."), invoice)
            return Banner("bad", _("Your account is suspended"), words, _("Pay now"), to_pay, HOW_TO_PAY)
        case Status.TRIAL:
            words = _words(_("Your trial goes on until invoice %(number)s, %(amount)s, is paid."), invoice)
            return Banner("info", _("Your new plan waits for payment"), words, _("Pay the invoice"), to_pay, HOW_TO_PAY)
    return None  # an active account sees its next invoice on the overview


def _without_invoice(account: Account) -> Banner | None:
    plan = reverse("plan")
    if account.status == Status.EXPIRED:
        words = _("Choose a plan to go on. Your data are still here.")
        return Banner("warn", _("Your account has ended"), words, _("Choose a plan"), plan)
    if account.status == Status.TRIAL and account.trial_ends_on is not None:
        left = account.trial_ends_on - today_in(account.time_zone, database_now())
        if left <= timedelta(days=Policy.current().trial_warning_days):
            words = _("Choose a plan to keep going after %(due)s.") % {"due": date_format(account.trial_ends_on, "j F")}
            return Banner("warn", _("Your trial ends soon"), words, _("Choose a plan"), plan)
    return None


def _about_limits(account: Account) -> Banner | None:
    living = account.subscriptions.filter(status__in=ACTIVE_STATUSES).select_related("plan", "next_plan").first()
    if living is None:
        return None
    usage = usage_of(account)
    found = excess_of_usage(living.plan, usage)
    if found:
        title, more = _("More is in use than your plan allows"), _("Nothing can be added until it fits.")
    elif (
        living.next_plan is not None
        and living.period_end is not None
        and (found := excess_of_usage(living.next_plan, usage))
    ):
        title = _("More is in use than your next plan allows")
        more = _("It begins on %(day)s.") % {"day": date_format(living.period_end, "j F Y")}
    else:
        return None
    words, address = (_("See your sites"), "sites") if "sites" in found else (_("See who is in"), "members")
    return Banner("warn", title, f"{excess_text(found)} {more}", words, reverse(address))


def _words(text: str, invoice: Invoice, payment: Payment | None = None) -> SafeString:
    """Amounts and numbers are isolated for right-to-left text."""
    amount, currency = (payment.amount, payment.currency) if payment else (invoice.outstanding, invoice.currency)
    due = date_format(invoice.due_on, "j F Y") if invoice.due_on else ""
    number = format_html("<bdi>{}</bdi>", invoice.number or "")
    return mark_safe(escape(text) % {"amount": money(amount, currency), "number": number, "due": due})  # noqa: S308


@never_cache
@members_only
def banner_view(request: MemberRequest) -> HttpResponse:
    """Polled: 204 while nothing has changed since `seen`."""
    standing = standing_of(request.account)
    if request.GET.get("seen") == standing.signature:
        return HttpResponse(status=204)
    answer = render(request, "web/customer/banner.html", banner_context(standing, _asking_page(request)))
    answer["HX-Trigger"] = "account-changed"
    return answer


def _asking_page(request: MemberRequest) -> str:
    try:
        return urlsplit(request.headers.get("HX-Current-URL", "")).path
    except ValueError:
        return ""


def banner_context(standing: Standing, here: str) -> dict[str, object]:
    return {
        "banners": [banner for banner in (banner_of(standing), unreachable(standing.account)) if banner is not None],
        "signature": standing.signature,
        "next_look": standing.next_look,
        "here": here,
    }
