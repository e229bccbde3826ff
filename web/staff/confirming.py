"""Asked again for the password: before decisions about money, and before rights and payees are changed.

The session remembers when its password was typed last, so a request with the cookie alone, however it was made, is
led to the page that asks. Tokens of the API are bounded by their own life.
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
from core.security.events import refused
from web.forms.base import PageForm
from web.forms.passwords import password_field
from web.staff.access import StaffRequest, View
from workflows.actions.people import confirm_password

PREVIEW = "preview"  # in what a page sends only to be told what would follow
AGAIN = "Your password was asked for first, and nothing was changed. Please send it once more."


class ConfirmForm(PageForm):
    password = password_field("Password", is_new=False)


def for_money(view: View) -> View:
    """A page on which one decides about money: confirmed 15 minutes ago or less, or since then deciding."""

    @wraps(view)
    def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not sessions.is_confirmed_for_money(request.session):
            return ask(request)
        if request.method == "POST" and PREVIEW not in request.POST:
            sessions.decided(request.session)
        return view(request, *args, **kwargs)

    return inner


def for_rights(view: View) -> View:
    """A page on which rights or payees are changed: confirmed 15 minutes ago or less, whatever was decided since."""

    @wraps(view)
    def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if sessions.is_confirmed(request.session) else ask(request)

    return inner


def ask(request: HttpRequest) -> HttpResponse:
    """Lead to the page that asks; what was sent is not done, and that is said."""
    if request.method == "POST":
        refused("not_confirmed", actor=request.user if request.user.is_authenticated else None)
        messages.warning(request, AGAIN)
    return redirect(f"{reverse('desk_confirm')}?{urlencode({'next': request.get_full_path()})}")


class ConfirmedAdmin:
    """For pages of the admin, before ModelAdmin: who may change rows here confirms that it is them.

    asked_for: what counts as recent, of `core.security.sessions`.
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
        return ask(request) if may_act and not self.asked_for(request.session) else None


class DecidingAdmin(ConfirmedAdmin):
    """The same where what is done is a decision about money: only what is sent counts."""

    asked_for = staticmethod(sessions.is_confirmed_for_money)

    def _confirmed(self, request: HttpRequest) -> HttpResponse | None:
        if request.method != "POST":
            return None
        answer = super()._confirmed(request)
        if answer is None:
            sessions.decided(request.session)
        return answer


@never_cache
@sensitive_post_parameters("password")
@login_required
def confirm_page(request: StaffRequest) -> HttpResponse:
    """Confirm that it is you, and go back to where you were."""
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
            sessions.confirm(request.session)
            return redirect(after)
    return form.on(render(request, "web/staff/confirm.html", {"form": form}))
