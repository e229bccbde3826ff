from __future__ import annotations

import re

from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from knox.models import AuthToken

from core.models import Membership
from core.problems import Problem
from core.security import rate_limits
from core.security.sessions import DIGITS, digest
from web.customer.access import MemberRequest, members_only, owners_only
from web.forms.account import CloseAccountForm
from web.forms.passwords import ChangePasswordForm
from web.problem_messages import problem_message
from workflows.actions import close_account
from workflows.actions.people import ask_to_verify, change_password, sign_out_everywhere
from workflows.settlement.balances import balance_of


@never_cache
@sensitive_post_parameters("old_password", "new_password")
@members_only
def security(request: MemberRequest) -> HttpResponse:
    """Changing the password ends all other sessions and all tokens."""
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _change(request, form):
        messages.success(request, _("Your password is changed. Everywhere else you are signed out."))
        return redirect("security")
    sessions = request.user.sessions.filter(expire_date__gt=timezone.now()).order_by("-began_at")[:20]
    tokens = AuthToken.objects.filter(user=request.user, expiry__gt=timezone.now()).order_by("-created")[:20]
    context = {
        "sessions": sessions,
        "here": digest(request.session.session_key or ""),
        "tokens": tokens,
        "form": form,
        "may_close": request.role == Membership.Role.OWNER and not request.is_closed,
    }
    return form.set_status_on(render(request, "web/customer/security.html", context))


@require_POST
@members_only
def end_session(request: MemberRequest) -> HttpResponse:
    others = request.user.sessions.exclude(pk=digest(request.session.session_key or ""))
    chosen = request.POST.get("session", "")
    if re.fullmatch("[0-9a-f]+", chosen) and others.filter(pk=chosen[:DIGITS]).delete()[0]:
        messages.success(request, _("That session is over."))
    return redirect("security")


@require_POST
@members_only
def sign_out_all(request: MemberRequest) -> HttpResponse:
    sign_out_everywhere(request.user)
    logout(request)
    messages.success(request, _("You are signed out everywhere."))
    return redirect("sign_in")


@require_POST
@members_only
def verify_again(request: MemberRequest) -> HttpResponse:
    try:
        rate_limits.VERIFY.attempt(request, request.user.email)
        ask_to_verify(request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        messages.success(request, _("A mail with a link is on its way."))
    return redirect("security")


@never_cache
@owners_only
def close(request: MemberRequest) -> HttpResponse:
    """Confirmed by typing its name."""
    form = CloseAccountForm(request.POST or None, account=request.account)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            close_account(request.account, by=request.user, reason=data["reason"], typed_name=data["account_name"])
        except Problem as problem:
            form.refuse(problem, about=request.account)
        else:
            messages.success(request, _("The account is closed."))
            return redirect("dashboard")
    balances = sorted(balance_of(request.account.pk).items())
    return render(request, "web/customer/close_account.html", {"form": form, "balances": balances})


def _change(request: MemberRequest, form: ChangePasswordForm) -> bool:
    try:
        attempt = rate_limits.LOGIN.attempt(request, request.user.email)
        user = change_password(request.user, form.cleaned_data["old_password"], form.cleaned_data["new_password"])
        attempt.succeeded()
    except Problem as problem:
        form.refuse(problem)
        return False
    login(request, user)
    return True
