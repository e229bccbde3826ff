"""Password confirmation before decisions about money and before changes of rights and payees.

The session remembers when the password was typed. API tokens are limited by their expiry instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from core.problems import PermissionDenied, Problem
from core.security import rate_limits, sessions
from core.security.events import record_refusal
from web.forms.base import PageForm
from web.forms.passwords import password_field
from web.staff.access import StaffRequest, View
from workflows.actions.people import confirm_password

PREVIEW = "preview"  # the field that asks for a preview only
AGAIN = "Your password was asked for first, and nothing was changed. Please send it once more."


class ConfirmForm(PageForm):
    password = password_field("Password", is_new=False)


def for_money(view: View) -> View:
    """Password confirmed at most 15 minutes ago, or decisions continued since."""

    @wraps(view)
    def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not sessions.is_confirmed_for_money(request.session):
            return redirect_to_confirmation(request)
        if request.method == "POST" and PREVIEW not in request.POST:
            sessions.record_decision(request.session)
        return view(request, *args, **kwargs)

    return inner


def for_rights(view: View) -> View:
    """Password confirmed at most 15 minutes ago; decisions do not extend it."""

    @wraps(view)
    def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return (
            view(request, *args, **kwargs)
            if sessions.is_confirmed(request.session)
            else redirect_to_confirmation(request)
        )

    return inner


def redirect_to_confirmation(request: HttpRequest) -> HttpResponse:
    """Redirects to the confirmation page; a POST is dropped with a message."""
    if request.method == "POST":
        record_refusal("not_confirmed", actor=request.user if request.user.is_authenticated else None)
        messages.warning(request, AGAIN)
    return redirect(f"{reverse('desk_confirm')}?{urlencode({'next': request.get_full_path()})}")


class ConfirmedAdmin:
    """A mixin before ModelAdmin: users who may change rows confirm their password first.

    asked_for: the check of `core.security.sessions` that decides whether that was recent.
    """

    asked_for: Callable[[Any], bool] = staticmethod(sessions.is_confirmed)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._confirmed(request) or super().changeform_view(request, *args, **kwargs)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._confirmed(request) or super().delete_view(request, *args, **kwargs)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = self._confirmed(request) if request.method == "POST" else None
        return answer or super().changelist_view(request, *args, **kwargs)  # type: ignore[misc]

    def _confirmed(self, request: HttpRequest) -> HttpResponse | None:
        pages: Any = self
        may_act = request.method == "POST" or pages.has_add_permission(request) or pages.has_change_permission(request)
        return redirect_to_confirmation(request) if may_act and not self.asked_for(request.session) else None


class DecidingAdmin(ConfirmedAdmin):
    """Only POST requires confirmation."""

    asked_for = staticmethod(sessions.is_confirmed_for_money)

    def _confirmed(self, request: HttpRequest) -> HttpResponse | None:
        if request.method != "POST":
            return None
        answer = super()._confirmed(request)
        if answer is None:
            sessions.record_decision(request.session)
        return answer


@never_cache
@sensitive_post_parameters("password")
@login_required
def confirm_page(request: StaffRequest) -> HttpResponse:
    """Asks for the password, then returns to `next`."""
    if not request.user.is_staff:
        raise PermissionDenied("This page is for staff.")
    after = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(
        after, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        after = reverse("own_home")
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            attempt = rate_limits.LOGIN.attempt(request, request.user.email)
            confirm_password(request.user, form.cleaned_data["password"])
            attempt.succeeded()
        except Problem as problem:
            form.refuse(problem)
        else:
            sessions.record_confirmation(request.session)
            return redirect(after)
    return form.set_status_on(render(request, "web/staff/confirm.html", {"form": form}))
