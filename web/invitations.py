from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from core.problems import Problem, ValidationError
from core.security import rate_limits
from web.forms.base import PageForm
from web.forms.passwords import AcceptForm, FirstPasswordForm
from web.status_labels import ROLES
from workflows.actions.invitations import Offer, accept, decline, offer_of


@never_cache
@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """GET changes nothing: mail scanners follow links."""
    offer = offer_of(token)
    is_declined = "decline" in request.POST
    needs_password = offer is not None and offer.needs_password and not is_declined
    form_class = FirstPasswordForm if needs_password else AcceptForm
    form: PageForm = form_class(request.POST if request.method == "POST" else None)
    try:
        if is_declined and form.is_valid():
            rate_limits.LINK.attempt(request)
            decline(token)
            return render(request, "web/invitation.html", {"is_declined": True})
        if form.is_valid() and offer is not None:
            rate_limits.LINK.attempt(request)
            return _accept(request, token, offer, form)
    except ValidationError as problem:
        if "token" in problem.members["errors"]:
            offer = None
        form.refuse(problem)
    except Problem as problem:
        form.refuse(problem)
    role = ROLES.get(offer.invitation.role) if offer else None
    return form.set_status_on(render(request, "web/invitation.html", {"form": form, "offer": offer, "role": role}))


def _accept(request: HttpRequest, token: str, offer: Offer, form: PageForm) -> HttpResponse:
    """A new user is signed in; others sign in with their password."""
    user = accept(token, password=form.cleaned_data.get("password"))
    messages.success(request, _("You belong to %(account)s now.") % {"account": offer.invitation.account})
    if offer.needs_password:
        rate_limits.trust_address(request, user.email)
        login(request, user)
    return redirect("own_home")
