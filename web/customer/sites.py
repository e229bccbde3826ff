from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core.models import Membership, Site
from core.problems import Problem
from web.customer.access import MemberRequest, members_only
from web.form_tokens import TOKEN, new_token
from web.forms import PageForm
from web.forms.account import AccessForm, SiteForm, UseCreditsForm
from web.paging import page_of
from web.problem_messages import problem_message
from workflows.actions.credits import consume, open_to_role
from workflows.actions.service_rules import Act, may
from workflows.actions.site_access import change_site, close_site, give_access, manages
from workflows.actions.sites import open_site, plan_of


@members_only
def sites(request: MemberRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            site = open_site(request.account, by=request.user, **form.cleaned_data)
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, _("The site is open."))
            return redirect("site", site.pk)
    context = {
        "page": page_of(request.account.sites.select_related("industry"), request),
        "form": form,
        "limit": plan_of(request.account).max_sites,
        "may_open": request.role != Membership.Role.VIEWER and may(request.account, Act.OPEN_SITE),
    }
    return form.set_status_on(render(request, "web/customer/sites.html", context))


@members_only
def site(request: MemberRequest, pk: UUID) -> HttpResponse:
    """`do`, the name of the button, tells the forms apart."""
    found = get_object_or_404(request.account.sites.select_related("industry"), pk=pk)
    found.account = request.account
    forms: dict[str, Any] = {
        "change": SiteForm(site=found),
        "access": AccessForm(account=request.account),
        "use": UseCreditsForm(initial={"token": new_token()}),
    }
    if request.method == "POST":
        answer = _do(request, found, forms)
        if answer is not None:
            return answer
    return render(
        request,
        "web/customer/site.html",
        {
            "site": found,
            "forms": forms,
            "access": found.access.select_related("user").order_by("pk"),
            "may_manage": not request.is_closed and manages(request.user, found),
            "may_use": _may_use(request),
            "account": request.account,
        },
    )


def _may_use(request: MemberRequest) -> bool:
    return request.account.consume_by in open_to_role(request.role) and may(request.account, Act.USE_CREDITS)


def _do(request: MemberRequest, found: Site, forms: dict[str, Any]) -> HttpResponse | None:
    """None if the form has errors to show."""
    verb = request.POST.get("do", "")
    given: dict[str, Callable[[], PageForm]] = {
        "change": lambda: SiteForm(request.POST),
        "access": lambda: AccessForm(request.POST, account=request.account),
        "use": lambda: UseCreditsForm(request.POST),
    }
    form = None
    if verb in given:
        form = forms[verb] = given[verb]()
        if not form.is_valid():
            return None
    try:
        return _perform(request, found, verb, form.cleaned_data if form else {})
    except Problem as problem:
        if form is None:
            messages.error(request, problem_message(problem))
            return redirect("site", found.pk)
        form.refuse(problem, about=request.account)
        return None


def _perform(request: MemberRequest, found: Site, verb: str, data: dict[str, Any]) -> HttpResponse:
    if verb == "close":
        close_site(found, by=request.user)
        messages.success(request, _("The site is closed."))
        return redirect("sites")
    if verb == "change":
        change_site(found, by=request.user, **data)
        messages.success(request, _("Saved."))
    elif verb == "access":
        give_access(found, data["member"], data["role"], by=request.user)
        messages.success(request, _("Saved."))
    elif verb == "use":
        reference = data["token"] if TOKEN.fullmatch(data["token"]) else new_token()
        words = data["description"] or found.name
        entry = consume(
            request.account, data["amount"], reference=f"site:{reference}", by=request.user, description=words
        )
        messages.success(request, _("%(amount)d credits used, %(left)d left.") % {
            "amount": -entry.amount, "left": entry.balance_after,
        })  # fmt: skip
    return redirect("site", found.pk)
