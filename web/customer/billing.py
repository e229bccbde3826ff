from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.problems import Problem
from core.security import rate_limits
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.forms.account import BillingForm
from web.problem_messages import problem_message
from workflows.actions import change_account
from workflows.actions.people import ask_to_verify_billing_address
from workflows.mail.verification import needs_proof


@members_only
def billing(request: MemberRequest) -> HttpResponse:
    """`refresh` redraws the form for another country, without validation."""
    account = request.account
    if request.method != "POST":
        form = BillingForm(account=account)
    elif "refresh" in request.POST:
        form = BillingForm(account=account, initial=request.POST.dict())
    else:
        form = BillingForm(request.POST, account=account)
        if form.is_valid() and _change(request, form):
            messages.success(request, _("Saved. Invoices that are issued already keep their details."))
            return redirect("billing")
    context = {"form": form, "to_prove": needs_proof(account)}
    return form.set_status_on(render(request, "web/customer/billing.html", context))


@require_POST
@owners_and_admins
def verify_address(request: MemberRequest) -> HttpResponse:
    try:
        rate_limits.VERIFY.attempt(request, request.account.billing_email)
        ask_to_verify_billing_address(request.account, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        messages.success(request, _("A mail with a link is on its way."))
    return redirect("billing")


def _change(request: MemberRequest, form: BillingForm) -> bool:
    """Passes only changed fields: stored values are not validated again."""
    own = ("name", "language", "time_zone", "consume_by", "attaches_documents")
    wanted = {name: form.cleaned_data[name] for name in own} | form.billing()
    changes = {name: value for name, value in wanted.items() if value != getattr(request.account, name)}
    try:
        change_account(request.account, by=request.user, **changes)
    except Problem as problem:
        form.refuse(problem)
    return not form.errors
