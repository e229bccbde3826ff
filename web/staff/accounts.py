from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import (
    Account,
    Allocation,
    CreditEntry,
    Document,
    Invoice,
    Membership,
    Payment,
    Refund,
    Subscription,
    User,
)
from core.models.account import BILLING_FIELDS
from core.models.invoice import names_invoice
from core.models.payment import normal_reference
from core.problems import Problem
from core.validation.email import canonical_email
from engine import available
from engine.models import Transition
from web.form_tokens import new_token
from web.forms.base import PageForm
from web.forms.fields import Line
from web.forms.links import LinkForm
from web.links import shown_links
from web.staff.access import (
    ADJUST,
    CUSTOMERS,
    DOCUMENTS,
    REQUEST_REFUND,
    REVIEW,
    StaffRequest,
    may_see,
    may_see_any,
    staff_with,
)
from workflows.actions import available_to
from workflows.actions.credit_notes import CREDITABLE
from workflows.actions.invoice_links import make_link, may_hand_out_links, revoke_links
from workflows.settlement.balances import balance_of

MAX_RESULTS = 20
LATEST_ROWS = 12


class SearchForm(PageForm):
    q = Line(required=False, max_length=100, label="Name, e-mail, invoice number or reference")

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["q"].widget.attrs |= {"type": "search", "autocomplete": "off", "autofocus": True}


@staff_with(*CUSTOMERS)
def search(request: StaffRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    words = form.cleaned_data["q"].strip() if form.is_valid() else ""
    return render(request, "web/staff/search.html", {"form": form, "words": words, **(_found(words) if words else {})})


@staff_with(*CUSTOMERS)
def account_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    # The account with its latest subscription, where there is one: a page asks twelve questions at most.
    latest = Subscription.objects.filter(account=pk).select_related("plan", "account").order_by("-id").first()
    account = latest.account if latest else get_object_or_404(Account, pk=pk)
    steps = Transition.objects.filter(machine="account", object_id=pk).select_related("actor").order_by("-seq")
    balances = balance_of(pk)
    context = {
        "account": account,
        "verbs": available(account, request.user),
        "may_adjust": request.user.may_decide_on(account.pk, ADJUST),
        "may_refund": request.user.may_decide_on(account.pk, REQUEST_REFUND)
        and any(amount > 0 for amount in balances.values()),
        "refunds": Refund.objects.filter(account=pk).order_by("-id")[:LATEST_ROWS],
        "balances": sorted(balances.items()) or [(account.currency, Decimal(0))],
        "subscription": latest,
        "members": Membership.objects.filter(account=pk).select_related("user").order_by("pk")[:LATEST_ROWS],
        "invoices": Invoice.objects.filter(account=pk).order_by("-id")[:LATEST_ROWS],
        "payments": Payment.objects.filter(account=pk)
        .select_related("invoice", "method")
        .order_by("-id")[:LATEST_ROWS],
        "entries": CreditEntry.objects.filter(account=pk).select_related("actor").order_by("-id")[:LATEST_ROWS],
        "steps": steps[:LATEST_ROWS],
        "documents": _documents(request, account=account),
        "may_make_documents": request.user.may_decide_on(account.pk, REVIEW),
    }
    return render(request, "web/staff/account.html", context)


@staff_with(*CUSTOMERS)
def invoice_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _invoice_page(request, pk)


@require_POST
@staff_with(REVIEW)
def invoice_links(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Makes a link to the hosted page, whose address is shown to its maker alone, or revokes all of them."""
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    form = LinkForm(request.POST)
    try:
        if "revoke" in request.POST:
            revoke_links(invoice, by=request.user)
            messages.success(request, "The links of this invoice are revoked.")
            return redirect("desk_invoice", pk)
        if form.is_valid():
            make_link(invoice, by=request.user, **form.cleaned_data)
            messages.success(request, "The link is made. Somebody else than you decides on what is claimed by it.")
            return redirect("desk_invoice", pk)
    except Problem as problem:
        form.refuse(problem, about=invoice)
    return form.set_status_on(_invoice_page(request, pk, form))


def _invoice_page(request: StaffRequest, pk: UUID, link_form: LinkForm | None = None) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    steps = Transition.objects.filter(machine="invoice", object_id=pk).select_related("actor").order_by("seq")
    payments = Payment.objects.filter(invoice=pk).select_related("method").order_by("-id")[:LATEST_ROWS]
    context = {
        "invoice": invoice,
        "verbs": available_to(invoice, request.user),
        "may_record": may_see(request.user, REVIEW),
        "billed_to": [text for name in BILLING_FIELDS if (text := invoice.snapshot.get(name))],
        "payments": payments,
        "allocations": Allocation.objects.filter(invoice=pk).select_related("payment").order_by("pk")[:LATEST_ROWS],
        "credit_notes": invoice.credit_notes.order_by("-id")[:LATEST_ROWS],
        "may_credit": invoice.status in CREDITABLE and invoice.may_be_credited_by(request.user),
        "steps": steps[:LATEST_ROWS],
        "documents": _documents(
            request, account=invoice.account_id, subject_id__in=[pk, *(row.pk for row in payments)]
        ),
        "may_remind": invoice.status in Invoice.OPEN and request.user.may_decide_on(invoice.account_id, REVIEW),
        "token": new_token(),
        "link_form": link_form or LinkForm(),
        "links": shown_links(invoice, maker=request.user),
        "may_make_links": may_hand_out_links(invoice, request.user) and invoice.status in Invoice.OPEN,
        "may_revoke_links": may_hand_out_links(invoice, request.user),
    }
    return render(request, "web/staff/invoice.html", context)


def _documents(request: StaffRequest, **of: Any) -> list[Document]:
    """The latest, newest first, for those who may open them."""
    if not may_see_any(request.user, DOCUMENTS):
        return []
    rows = Document.objects.visible_to(request.user).without_words().filter(**of)
    return list(rows.order_by("-pk")[:LATEST_ROWS])


def find_accounts(words: str) -> list[Account]:
    """By a part of the name, billing address, or the address of somebody who is or was in it."""
    people = Account.objects.filter(memberships__user__email_canonical=canonical_email(words))
    former = Account.objects.filter(memberships__user__in=User.objects.former_owners_of(words))
    named = Account.objects.filter(Q(name__icontains=words) | Q(billing_email__iexact=words))
    accounts = {
        row.pk: row
        for row in [*people[:MAX_RESULTS], *former[:MAX_RESULTS], *named.order_by("name", "pk")[:MAX_RESULTS]]
    }
    return list(accounts.values())[:MAX_RESULTS]


def _found(words: str) -> dict[str, Any]:
    key = normal_reference(words)
    reference = Q(reference_key=key) if key else Q(pk=None)
    payments = Payment.objects.filter(reference).select_related("account", "invoice", "method").order_by("-id")
    return {
        "accounts": find_accounts(words),
        "invoices": Invoice.objects.filter(names_invoice(words)).select_related("account"),
        "payments": payments[:MAX_RESULTS],
    }
