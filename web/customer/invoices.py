from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from core.models import Invoice, Payment
from core.money import money_text
from core.payees.references import on_paper
from core.problems import DuplicateClaim, Problem
from web.amounts import grouped
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.customer.timeline import story_of
from web.form_tokens import once_per_form_token
from web.forms.billing import snapshot_lines
from web.forms.claim import ClaimForm
from web.forms.links import LinkForm
from web.how_to_pay import new_claim_form, ways_of
from web.links import shown_links
from web.paging import page_of
from workflows.actions import claim_payment
from workflows.actions.invoice_links import make_link, revoke_links
from workflows.actions.payments import UNDECIDED_PER_INVOICE, reference_is_taken


@members_only
def invoices(request: MemberRequest) -> HttpResponse:
    page = page_of(request.account.invoices.exclude(status=Invoice.Status.DRAFT), request)
    return render(request, "web/customer/invoices.html", {"page": page})


@members_only
def invoice(request: MemberRequest, pk: UUID) -> HttpResponse:
    """`?method=` chooses another way to pay."""
    return _invoice_page(request, _invoice_of(request, pk), LinkForm())


@require_POST
@owners_and_admins
def links(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Makes a link to the invoice's hosted page, or revokes all of them."""
    found = _invoice_of(request, pk)
    form = LinkForm(request.POST)
    try:
        if "revoke" in request.POST:
            revoke_links(found, by=request.user)
            messages.success(request, _("The links of this invoice are revoked."))
            return redirect("invoice", found.pk)
        if form.is_valid():
            make_link(found, by=request.user, **form.cleaned_data)
            messages.success(request, _("The link is made. Copy it, and give it to the person who pays."))
            return redirect(reverse("invoice", args=[found.pk]) + "#links")
    except Problem as problem:
        form.refuse(problem, about=found)
    return form.set_status_on(_invoice_page(request, found, form))


def _invoice_page(request: MemberRequest, found: Invoice, link_form: LinkForm) -> HttpResponse:
    payments = list(found.payments.select_related("method", "claimed_by_link").order_by("pk"))
    for payment in payments:
        payment.invoice = found
    undecided = [payment for payment in payments if payment.status == Payment.Status.PENDING_APPROVAL]
    context: dict[str, Any] = {
        "invoice": found,
        "steps": story_of(found, payments),
        "payments": payments[::-1],
        "address": snapshot_lines(found.snapshot),
        "in_review": undecided[0] if undecided else None,
        "may_claim": len(undecided) < UNDECIDED_PER_INVOICE,
        "is_open": found.status in Invoice.OPEN,
        "link_form": link_form,
        "links": shown_links(found) if request.may_act else [],
    }
    if found.status in Invoice.OPEN:
        context |= ways_of(found, request.GET.get("method", ""))
        context["form"] = new_claim_form(context["method"], context["methods"], found, is_further=bool(undecided))
    return render(request, "web/customer/invoice.html", context)


@members_only
def document(request: MemberRequest, pk: UUID) -> HttpResponse:
    return render(request, "web/customer/document.html", sheet_of(_invoice_of(request, pk)))


def sheet_of(found: Invoice) -> dict[str, Any]:
    return {
        "invoice": found,
        "reference": on_paper(found.payment_reference),
        "snapshot": found.snapshot,
        "address": snapshot_lines(found.snapshot),
    }


@owners_and_admins
def claim(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A page without JavaScript, and the target of the dialog."""
    found = _invoice_of(request, pk)
    if found.status not in Invoice.OPEN and request.method != "POST":
        return redirect("invoice", found.pk)
    in_review = found.payments.filter(status=Payment.Status.PENDING_APPROVAL).order_by("pk").first()
    ways = ways_of(found, request.POST.get("method") or request.GET.get("method", ""))
    if request.method != "POST":
        form = new_claim_form(ways["method"], ways["methods"], found, is_further=in_review is not None)
    else:
        form = ClaimForm(request.POST, invoice=found, methods=ways["methods"])
        if form.is_valid() and _claim(request, found, form):
            words = _("Thank you. We check your payment of %(amount)s %(currency)s and write to you.")
            amount = grouped(money_text(form.cleaned_data["amount"], found.currency))
            messages.success(request, words % {"amount": amount, "currency": found.currency})
            there = reverse("invoice", args=[found.pk])
            return HttpResponseClientRedirect(there) if request.htmx else redirect(there)  # type: ignore[attr-defined]
    template = "web/customer/claim_form.html" if request.htmx else "web/customer/claim.html"  # type: ignore[attr-defined]
    return render(request, template, {"invoice": found, "form": form, "in_review": in_review, **ways})


def _claim(request: MemberRequest, found: Invoice, form: ClaimForm) -> bool:
    data = form.cleaned_data

    def make() -> UUID:
        return claim_payment(
            invoice=found,
            method=form.methods[data["method"]],
            amount=data["amount"],
            currency=found.currency,
            reference=data["reference"],
            notes=data["notes"],
            proof_url=data["proof_url"],
            paid_on=data["paid_on"],
            payer_name=data["payer_name"],
            by=request.user,
        ).pk

    try:
        once_per_form_token(request.user, data["token"], make)
    except DuplicateClaim as problem:
        form.add_error("reference" if problem.detail == reference_is_taken() else None, problem.detail)
    except Problem as problem:
        form.refuse(problem, about=found)
    return not form.errors


def _invoice_of(request: MemberRequest, pk: UUID) -> Invoice:
    rows = request.account.invoices.exclude(status=Invoice.Status.DRAFT)
    found = get_object_or_404(rows.select_related("subscription", "payment_method"), pk=pk)
    found.account = request.account
    return found
