from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from web.forms.signing_in import SignInForm
from web.staff.access import CUSTOMERS, GRANT, OPERATE, REVIEW, SETTINGS, may_see_any


class SignIn(LoginView):
    template_name = "web/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    next_page = "home"


def to_own_home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return redirect("sign_in")
    return redirect(home_of(request.user))


def home_of(user: Any) -> str:
    """The first page that the user's permissions open."""
    if not user.is_staff:
        return reverse("dashboard")
    desks = {
        "desk": (REVIEW,),
        "machines": (OPERATE,),
        "desk_search": CUSTOMERS,
        "desk_duties": (GRANT,),
        "settings": SETTINGS,
    }
    mine = (name for name, duties in desks.items() if may_see_any(user, duties))
    return reverse(next(mine, "admin:index"))
