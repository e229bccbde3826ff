from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from core.models import Account, Membership, User
from core.problems import PermissionDenied
from core.time_zones import zone_of
from web.signing_in import home_of


class MemberRequest(HttpRequest):
    """`members_only` sets the fields."""

    user: User
    account: Account
    role: str
    may_act: bool  # may spend the account's money and change it; False when it is closed
    is_closed: bool


View = Callable[Concatenate[MemberRequest, ...], HttpResponse]


def members_only(view: View) -> Callable[..., HttpResponseBase]:
    """For members, in the account's time zone. Staff without an account are redirected to their home."""

    @wraps(view)
    def inner(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        membership = Membership.objects.select_related("account").filter(user=request.user.pk).first()
        if membership is None:
            if request.user.is_staff:
                return redirect(home_of(request.user))
            raise PermissionDenied(_("You belong to no account any more."))
        request.user.membership = membership  # read by role_in()
        request.account = membership.account
        request.role = membership.role
        request.is_closed = request.account.status == Account.Status.CLOSED
        request.may_act = membership.role in Membership.MAY_PAY and not request.is_closed
        with timezone.override(zone_of(request.account.time_zone)):
            return view(request, *args, **kwargs)

    return login_required(inner)


def owners_and_admins(view: View) -> Callable[..., HttpResponseBase]:
    """For members who may spend the account's money and change it."""

    @wraps(view)
    def inner(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.is_closed:
            raise PermissionDenied(_("The account is closed."))
        if not request.may_act:
            raise PermissionDenied(_("Only owners and admins of the account may do this."))
        return view(request, *args, **kwargs)

    return members_only(inner)


def owners_only(view: View) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def inner(request: MemberRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.role != Membership.Role.OWNER:
            raise PermissionDenied(_("Only an owner of the account may close it."))
        return view(request, *args, **kwargs)

    return owners_and_admins(inner)
