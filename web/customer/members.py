"""The people of an account and their roles."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import limits
from core.models import Membership
from core.problems import Problem
from web.customer.door import Visit, members_only
from web.forms.account import InviteForm, RoleForm
from web.refusals import said
from web.words import ROLES
from workflows.actions.members import change_role, let_go
from workflows.actions.sites import add_member, plan_of
from workflows.proof import is_known


@members_only
def members(request: Visit) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            limits.INVITE.attempt(request, form.cleaned_data["email"])
            add_member(request.account, by=request.user, **form.cleaned_data)
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, _("%(email)s is invited.") % form.cleaned_data)
            if not is_known(request.user, request.account):
                messages.warning(request, _("The invitation is sent as soon as you have confirmed your own address."))
            return redirect("members")
    return render(
        request,
        "web/customer/members.html",
        {
            "members": request.account.memberships.select_related("user").order_by("pk"),
            "form": form,
            "limit": plan_of(request.account).max_users,
            "roles": ROLES.items(),
        },
    )


@require_POST
@members_only
def change_one(request: Visit, pk: UUID) -> HttpResponse:
    """A role for somebody, or `remove` them."""
    member = get_object_or_404(Membership.objects.select_related("user"), account=request.account, pk=pk)
    member.account = request.account
    form = RoleForm(request.POST)
    try:
        if "remove" in request.POST:
            let_go(member, by=request.user)
            messages.success(request, _("%(email)s does not belong to the account any more.") % {"email": member.user})
        elif form.is_valid():
            change_role(member, form.cleaned_data["role"], by=request.user)
            messages.success(request, _("The role of %(email)s is changed.") % {"email": member.user})
        else:
            messages.error(request, _("There is no such role."))
    except Problem as problem:
        messages.error(request, said(problem))
    return redirect("members")
