from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from core.models import Account, Invoice, User
from core.problems import Problem
from engine import available, perform
from engine.stateful import Stateful
from web.form_tokens import new_token, once_per_form_token
from web.forms.base import PageForm
from web.staff.access import ADJUST, MANAGE, VOID, StaffRequest, staff_with
from web.staff.confirming import PREVIEW, for_money
from web.staff.forms import AdjustForm, CloseAccountForm, ReasonForm
from web.staff.previews import preview_line
from workflows.actions import available_to, close_account, void_invoice
from workflows.actions.credits import adjust

# Title, consequences, message when done.
INVOICE_VERBS = {
    "void": (
        "Void",
        "It should not have been issued: nobody need pay it, and its number stays used. A renewal is issued again, "
        "with the customer's details as they are now. What was paid of it in part goes to the balance.",
        "{} is void.",
    ),
    "write_off": (
        "Write off",
        "Nobody expects this money any more. It is still taken when it comes.",
        "{} is written off.",
    ),
}


@staff_with(VOID)
@for_money
def close_invoice(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    title, follows, done = INVOICE_VERBS[verb]
    form = ReasonForm(_given(request))

    def do(reason: str) -> object:
        if verb == "void":
            return void_invoice(invoice, by=request.user, reason=reason, to_balance=True)
        return perform(invoice.write_off, by=request.user, reason=reason)

    if PREVIEW in request.POST:
        return preview_line(request, lambda: do("-"), invoice)

    return _page(
        request,
        form,
        about=invoice,
        verb=verb,
        do=lambda: do(form.cleaned_data["reason"]),
        done=done.format(invoice),
        back=reverse("desk_invoice", args=[pk]),
        context={"title": title, "follows": follows, "of": invoice.account.name, "has_preview": True},
    )


@staff_with(MANAGE)
@for_money
def close(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Closes an account, confirmed by typing its name."""
    account = get_object_or_404(Account, pk=pk)
    if PREVIEW in request.POST:
        return preview_line(request, lambda: close_account(account, by=request.user, reason="-"), account)
    form = CloseAccountForm(_given(request), account=account)

    def do() -> object:
        data = form.cleaned_data
        return close_account(account, by=request.user, reason=data["reason"], typed_name=data["account_name"])

    follows = (
        "Its subscription ends now and the customer is told. Open invoices lapse; money paid ahead, and money that is "
        "still in review, goes to the balance. Its people can sign in to read. It cannot be taken back."
    )
    return _page(
        request,
        form,
        about=account,
        verb="close",
        do=do,
        done=f"{account} is closed.",
        back=reverse("desk_account", args=[pk]),
        context={"title": "Close the account", "follows": follows, "has_preview": True},
    )


@staff_with(ADJUST)
@for_money
def adjust_credits(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Submitting the form twice adjusts once."""
    account = get_object_or_404(Account, pk=pk)
    form = AdjustForm(_given(request), initial={"token": new_token()})

    def do() -> object:
        data = form.cleaned_data
        return once_per_form_token(
            request.user,
            data["token"],
            lambda: adjust(account, data["amount"], reason=data["reason"], by=request.user).pk,
        )

    return _page(
        request,
        form,
        about=account,
        do=do,
        done="The credits are adjusted.",
        back=reverse("desk_account", args=[pk]),
        context={
            "title": "Adjust credits",
            "follows": "The customer sees the line, with the reason and your address, among their credits.",
        },
    )


def _verbs(about: Stateful, user: User) -> list[str]:
    return available_to(about, user) if isinstance(about, Invoice) else available(about, user)


def _given(request: StaffRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _page(
    request: StaffRequest,
    form: PageForm,
    *,
    about: Stateful,
    do: Callable[[], object],
    done: str,
    back: str,
    context: dict[str, Any],
    verb: str = "",
) -> HttpResponse:
    """verb: a transition, if it may be unavailable."""
    status = 200
    if form.is_valid():
        try:
            do()
        except Problem as problem:
            about.refresh_from_db()
            form.refuse(problem)
            status = problem.status
        else:
            messages.success(request, done)
            return redirect(back)
    context |= {
        "form": form,
        "about": about,
        "back": back,
        "is_possible": not verb or verb in _verbs(about, request.user),
    }
    return render(request, "web/staff/correct.html", context, status=status)
