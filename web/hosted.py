"""One invoice for who has a link to it, without signing in and without a cookie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from core.models import Account, Invoice, InvoiceLink, Payment
from core.problems import DuplicateClaim, NotFound, Problem
from core.security import rate_limits
from core.time_zones import zone_of
from web.customer.invoices import sheet_of
from web.form_tokens import once_per_form_token
from web.forms.billing import snapshot_lines
from web.forms.claim import LinkClaimForm
from web.how_to_pay import new_claim_form, ways_of
from workflows.actions import claim_by_link
from workflows.actions.payments import UNDECIDED_PER_INVOICE
from workflows.mail.brand import current_brand
from workflows.mail.invoice_links import link_of
from workflows.mail.rejection_reasons import reason_for
from workflows.service_users import hosted_page_user

# The address is the secret: it is kept nowhere, found by no search, and told to no other site.
HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}

View = Callable[[HttpRequest, InvoiceLink], HttpResponse]


def by_link(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """In the visitor's language, else the customer's, and in the customer's time zone.

    What is not a valid link is answered alike: forged, expired, revoked.
    """

    def guard(view: View) -> Callable[..., HttpResponse]:
        @wraps(view)
        def inner(request: HttpRequest, token: str) -> HttpResponse:
            answer = _answer(request, token) if request.method in methods else HttpResponseNotAllowed(methods)
            for name, value in HEADERS.items():
                answer[name] = value
            return answer

        def _answer(request: HttpRequest, token: str) -> HttpResponse:
            link = link_of(token)
            if link is None:
                return _nothing(request)
            account = link.invoice.account
            language = _language_of(request, account)
            try:
                with translation.override(language), timezone.override(zone_of(account.time_zone)):
                    answer = view(request, link)
            except NotFound:  # it has ended meanwhile
                return _nothing(request)
            answer["Content-Language"] = language
            return answer

        # The token is in the address and nowhere else, so no other site can act with it. Without a referrer browsers
        # send `Origin: null`, which the check against forgery refuses.
        return csrf_exempt(inner)

    return guard


@by_link("GET", "HEAD", "POST")
def hosted_invoice(request: HttpRequest, link: InvoiceLink) -> HttpResponse:
    """`?method=` chooses another way to pay, `?language=` another language."""
    found = link.invoice
    payments = list(found.payments.select_related("method").order_by("pk"))
    undecided = [payment for payment in payments if payment.status == Payment.Status.PENDING_APPROVAL]
    context: dict[str, Any] = {
        "invoice": found,
        "sender": found.seller.legal_name if found.seller else current_brand().name,
        "address": snapshot_lines(found.snapshot),
        "claims": [(each, _why(each)) for each in reversed(payments) if each.claimed_by_link_id == link.pk],
        "in_review": bool(undecided),
        "may_claim": len(undecided) < UNDECIDED_PER_INVOICE,
        "is_open": found.status in Invoice.OPEN,
    }
    if not context["is_open"]:
        return render(request, "web/hosted/invoice.html", context)
    ways = ways_of(found, request.POST.get("method") or request.GET.get("method", ""))
    if request.method != "POST":
        form = new_claim_form(ways["method"], ways["methods"], found, is_further=bool(undecided), kind=LinkClaimForm)
    else:
        form = LinkClaimForm(request.POST, invoice=found, methods=ways["methods"])
        if form.is_valid() and _claim(request, link, form):
            return redirect(f"{request.get_full_path()}#claims")
    page = render(request, "web/hosted/invoice.html", {**context, **ways, "form": form})
    return form.set_status_on(page)


@by_link("GET", "HEAD")
def hosted_document(request: HttpRequest, link: InvoiceLink) -> HttpResponse:
    context = sheet_of(link.invoice)
    # Who has the link need not know the addresses of others.
    context["snapshot"] = {name: value for name, value in context["snapshot"].items() if name != "billing_email"}
    return render(request, "web/hosted/document.html", context)


def _claim(request: HttpRequest, link: InvoiceLink, form: LinkClaimForm) -> bool:
    data = form.cleaned_data

    def make() -> UUID:
        return claim_by_link(
            link,
            method=form.methods[data["method"]],
            amount=data["amount"],
            reference=data["reference"],
            notes=data.get("notes", ""),
            proof_url=data.get("proof_url", ""),
            paid_on=data["paid_on"],
            payer_name=data["payer_name"],
        ).pk

    try:
        rate_limits.LINK.attempt(request)
        once_per_form_token(hosted_page_user(), data["token"], make)
    except DuplicateClaim:  # its own words tell of other invoices
        form.add_error(None, _("We know of this payment already, or are still checking earlier ones. Please wait."))
    except NotFound:
        raise
    except Problem as problem:
        form.refuse(problem, about=link.invoice)
    return not form.errors


def _why(payment: Payment) -> str:
    if payment.status != Payment.Status.FAILED:
        return ""
    reason = reason_for(payment.reason_code)
    return f"{reason.what} {reason.next}"


def _nothing(request: HttpRequest) -> HttpResponse:
    return render(request, "404.html", status=404)


def _language_of(request: HttpRequest, account: Account) -> str:
    wanted: Sequence[str] = (
        request.GET.get("language", ""),
        request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
        account.language,
    )
    known = dict(settings.LANGUAGES)
    return next((code for code in wanted if code in known), settings.LANGUAGE_CODE)
