from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from core.models import Invoice, Payment, PaymentMethod
from core.money import money_text
from core.payees.code_drawings import drawn_code
from core.payees.qr_codes import payment_code
from core.payees.references import on_paper
from core.problems import DuplicateClaim, Problem
from web.amounts import grouped
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.customer.timeline import story_of
from web.form_tokens import new_token, once_per_form_token
from web.forms.billing import snapshot_lines
from web.forms.claim import ClaimForm
from web.paging import page_of
from workflows.actions import claim_payment
from workflows.actions.payments import UNDECIDED_PER_INVOICE, reference_is_taken
from workflows.mail.payment_instructions import instructions_for, reference_for, ways_to_pay


@members_only
def invoices(request: MemberRequest) -> HttpResponse:
    page = page_of(request.account.invoices.exclude(status=Invoice.Status.DRAFT), request)
    return render(request, "web/customer/invoices.html", {"page": page})


@members_only
def invoice(request: MemberRequest, pk: UUID) -> HttpResponse:
    """`?method=` chooses another way to pay."""
    found = _invoice_of(request, pk)
    payments = list(found.payments.select_related("method").order_by("pk"))
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
    }
    if found.status in Invoice.OPEN:
        context |= _ways(found, request.GET.get("method", ""))
        context["form"] = _new_form(context["method"], context["methods"], found, is_further=bool(undecided))
    return render(request, "web/customer/invoice.html", context)


@members_only
def document(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _invoice_of(request, pk)
    return render(
        request,
        "web/customer/document.html",
        {
            "invoice": found,
            "reference": on_paper(found.payment_reference),
            "snapshot": found.snapshot,
            "address": snapshot_lines(found.snapshot),
        },
    )


@owners_and_admins
def claim(request: MemberRequest, pk: UUID) -> HttpResponse:
    """A page without JavaScript, and the target of the dialog."""
    found = _invoice_of(request, pk)
    if found.status not in Invoice.OPEN and request.method != "POST":
        return redirect("invoice", found.pk)
    in_review = found.payments.filter(status=Payment.Status.PENDING_APPROVAL).order_by("pk").first()
    ways = _ways(found, request.POST.get("method") or request.GET.get("method", ""))
    if request.method != "POST":
        form = _new_form(ways["method"], ways["methods"], found, is_further=in_review is not None)
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


def _new_form(
    method: PaymentMethod | None, methods: list[PaymentMethod], found: Invoice, *, is_further: bool
) -> ClaimForm:
    """Payer, date and reference stay empty: evidence must come from the customer."""
    initial = {"method": method and method.code, "token": new_token()}
    if not is_further:
        initial["amount"] = money_text(found.outstanding, found.currency)
    return ClaimForm(initial=initial, invoice=found, methods=methods)


def _ways(found: Invoice, code: str) -> dict[str, Any]:
    methods = ways_to_pay(found)
    method = next((method for method in methods if method.code == code), methods[0] if methods else None)
    reference = reference_for(found, method) if method else found.payment_reference
    return {
        "methods": methods,
        "method": method,
        "reference": reference,
        "payee": method.payee() if method else [],
        "code": _drawn(payment_code(method, found.outstanding, found.currency, reference)) if method else "",
        "instructions": instructions_for(method, found, get_language() or "en") if method else None,
    }


def _drawn(text: str | None) -> SafeString:
    return mark_safe(drawn_code(text) if text else "")  # noqa: S308 - squares only


def _invoice_of(request: MemberRequest, pk: UUID) -> Invoice:
    rows = request.account.invoices.exclude(status=Invoice.Status.DRAFT)
    found = get_object_or_404(rows.select_related("subscription", "payment_method"), pk=pk)
    found.account = request.account
    return found
