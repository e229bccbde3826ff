from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.models import Invitation
from core.problems import NotFound, Problem
from core.security import rate_limits
from web.customer.access import MemberRequest, members_only
from web.forms.account import InviteForm, RoleForm
from web.problem_messages import problem_message
from web.status_labels import ROLES
from workflows.actions.invitations import invite
from workflows.actions.members import MemberOrInvitation, change_role, member_or_invitation, people_of, remove_or_leave
from workflows.actions.sites import plan_of
from workflows.mail.verification import is_known


@members_only
def members(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if request.account.may_be_changed_by(request.user):
                rate_limits.INVITE.attempt(request, form.cleaned_data["email"])
            invite(request.account, by=request.user, **form.cleaned_data)
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, _("%(email)s is invited.") % form.cleaned_data)
            if not is_known(request.user, request.account):
                messages.warning(request, _("The invitation is sent as soon as you have confirmed your own address."))
            return redirect("members")
    context = {
        "members": people_of(request.account),
        "form": form,
        "limit": plan_of(request.account).max_users,
        "roles": ROLES.items(),
    }
    return form.set_status_on(render(request, "web/customer/members.html", context))


@require_POST
@members_only
def change_one(request: MemberRequest, pk: UUID) -> HttpResponse:
    """Who removes themselves is signed out."""
    try:
        member = member_or_invitation(request.account, pk)
    except NotFound as problem:
        raise Http404 from problem
    form = RoleForm(request.POST)
    try:
        if "remove" in request.POST:
            remove_or_leave(member, by=request.user)
            if member.user_id == request.user.pk:
                return _gone(request)
            messages.success(request, _removed(member))
        elif form.is_valid():
            change_role(member, form.cleaned_data["role"], by=request.user)
            messages.success(request, _("The role of %(email)s is changed.") % {"email": member.email})
        else:
            messages.error(request, _("There is no such role."))
    except Problem as problem:
        messages.error(request, problem_message(problem))
    return redirect("members")


def _removed(place: MemberOrInvitation) -> str:
    if isinstance(place, Invitation):
        return _("The invitation of %(email)s is withdrawn.") % {"email": place.email}
    return _("%(email)s does not belong to the account any more.") % {"email": place.email}


def _gone(request: MemberRequest) -> HttpResponse:
    account = str(request.account)
    logout(request)
    messages.success(request, _("You have left %(account)s, and are signed out.") % {"account": account})
    return redirect("home")
