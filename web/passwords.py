from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from core.problems import Problem, ValidationError
from core.security import rate_limits
from web.forms.passwords import AskForResetForm, NewPasswordForm
from workflows.actions.passwords import reset_password
from workflows.actions.people import (
    ask_for_password_reset,
    verify_billing_address,
    verify_email,
)


def ask_for_reset(request: HttpRequest) -> HttpResponse:
    """The answer is the same for unknown addresses."""
    form = AskForResetForm(request.POST or None)
    is_asked = False
    if request.method == "POST" and form.is_valid():
        try:
            rate_limits.RESET.attempt(request, form.cleaned_data["email"])
            ask_for_password_reset(form.cleaned_data["email"])
            is_asked = True
        except Problem as problem:
            form.refuse(problem)
    return form.set_status_on(render(request, "web/ask_for_reset.html", {"form": form, "is_asked": is_asked}))


@never_cache
@sensitive_post_parameters("password")
def set_password(request: HttpRequest, token: str) -> HttpResponse:
    """Sets a new password, or the first of an invited person, and signs in."""
    form = NewPasswordForm(request.POST or None)
    is_stale = False
    if request.method == "POST" and form.is_valid():
        try:
            rate_limits.LINK.attempt(request)
            reset = reset_password(token, form.cleaned_data["password"])
        except ValidationError as problem:
            is_stale = "token" in problem.members["errors"]
            form.refuse(problem)
        except Problem as problem:
            form.refuse(problem)
        else:
            rate_limits.trust_address(request, reset.user.email)
            login(request, reset.user)
            messages.success(request, _("Your new password is set, and you are signed in."))
            if reset.has_removed_others:
                messages.warning(
                    request,
                    _(
                        "Others had been let into this account before its address was confirmed. They were removed, "
                        "and open invitations were withdrawn."
                    ),
                )
            return redirect("own_home")
    return form.set_status_on(render(request, "web/set_password.html", {"form": form, "is_stale": is_stale}))


@never_cache
def verify(request: HttpRequest, token: str) -> HttpResponse:
    """GET changes nothing: mail scanners follow links."""
    return _verify(request, token, verify_email)


@never_cache
def verify_billing(request: HttpRequest, token: str) -> HttpResponse:
    """Who reads the address may have no log-in."""
    return _verify(request, token, verify_billing_address)


def _verify(request: HttpRequest, token: str, verify_by: Callable[[str], object]) -> HttpResponse:
    problem: Problem | None = None
    is_done = False
    if request.method == "POST":
        try:
            rate_limits.LINK.attempt(request)
            verify_by(token)
            is_done = True
        except Problem as refusal:
            problem = refusal
    return render(request, "web/verify.html", {"is_done": is_done, "problem": problem})
