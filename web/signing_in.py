"""Signing in and out with a session, for customers and staff alike."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

from web.forms.signing_in import SignInForm


class SignIn(LoginView):
    template_name = "web/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    next_page = "home"


def to_own_home(request: HttpRequest) -> HttpResponse:
    """Customers to their account, staff to their desk."""
    if not request.user.is_authenticated:
        return redirect("sign_in")
    return redirect(home_of(is_staff=request.user.is_staff))


def home_of(*, is_staff: bool) -> str:
    if not is_staff:
        return reverse("dashboard")
    try:
        return reverse("desk")
    except NoReverseMatch:  # until there is one
        return reverse("admin:index")
