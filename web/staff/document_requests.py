"""Papers that staff ask for: statements, proforma invoices, reminder letters."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import Account, Document, Invoice
from core.problems import Problem
from web.form_tokens import new_token, once_per_form_token
from web.forms.base import PageForm
from web.forms.documents import StatementForm, this_year_of
from web.problem_messages import problem_message
from web.staff.access import REVIEW, StaffRequest, staff_with
from web.staff.forms import ProformaForm
from workflows.actions.proformas import make_proforma
from workflows.documents.requests import make_reminder, make_statement

STATEMENT = (
    "Statement of account",
    "What was billed, paid and given back from a day to a day, with what was owed before and what is left.",
)
PROFORMA = (
    "Proforma invoice",
    "What the first invoice of a plan would say, for a customer whose purchases are approved first. "
    "Nothing is owed by it.",
)


@staff_with(REVIEW)
def statement(request: StaffRequest, pk: UUID) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    form = StatementForm(
        request.POST if request.method == "POST" else None, account=account, initial=this_year_of(account)
    )

    def make() -> Document:
        data = form.cleaned_data
        return make_statement(account, data["currency"], data["start"], data["end"], by=request.user)

    return _asked(request, account, form, make, STATEMENT)


@staff_with(REVIEW)
def proforma(request: StaffRequest, pk: UUID) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    form = ProformaForm(
        request.POST if request.method == "POST" else None, account=account, initial={"token": new_token()}
    )
    return _asked(request, account, form, lambda: make_proforma(account, form.price, by=request.user), PROFORMA)


@require_POST
@staff_with(REVIEW)
def reminder(request: StaffRequest, pk: UUID) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    token = request.POST.get("token", "")
    try:
        key = once_per_form_token(request.user, token, lambda: make_reminder(invoice, by=request.user).pk)
    except Problem as problem:
        messages.error(request, problem_message(problem))
        return redirect("desk_invoice", pk=pk)
    messages.success(request, "The letter is being made. Nothing is mailed until you send it.")
    return redirect("desk_document", pk=key)


def _asked(
    request: StaffRequest, account: Account, form: PageForm, make: Callable[[], Document], words: tuple[str, str]
) -> HttpResponse:
    status = 200
    if form.is_valid():
        try:
            key = once_per_form_token(request.user, form.cleaned_data["token"], lambda: make().pk)
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            messages.success(request, "It is being made. Nothing is mailed until you send it.")
            return redirect("desk_document", pk=key)
    title, follows = words
    context = {"account": account, "form": form, "title": title, "follows": follows}
    return render(request, "web/staff/document_request.html", context, status=status)
