from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, Concatenate

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from core.models import User
from core.problems import PermissionDenied

REVIEW = "core.review_payment"
AUDIT = "core.view_document"  # papers, also of erased people
APPROVE = "core.approve_payment"
OPERATE = "core.operate_effects"
VOID = "core.void_invoice"
ADJUST = "core.adjust_credits"
MANAGE = "core.manage_accounts"
GRANT = "core.grant_duties"
IMPORT = "core.import_statements"
MATCH = "core.match_lines"
REQUEST_REFUND = "core.request_refund"
APPROVE_REFUND = "core.approve_refund"
WRITE_CREDIT_NOTE = "core.write_credit_note"
ISSUE_CREDIT_NOTE = "core.issue_credit_note"
CUSTOMERS = (
    REVIEW,
    VOID,
    ADJUST,
    MANAGE,
    REQUEST_REFUND,
    APPROVE_REFUND,
    WRITE_CREDIT_NOTE,
    ISSUE_CREDIT_NOTE,
)  # one of these opens the pages of customers and their invoices

DOCUMENTS = (REVIEW, AUDIT)  # one of these opens papers

# Settings: the permissions of the admin. The first of each are those that change something.
CHANGE_PLAN, ADD_PLAN, ADD_PRICE, RETIRE_PRICE = (
    "core.change_plan",
    "core.add_plan",
    "core.add_planprice",
    "core.change_planprice",
)
CHANGE_METHOD, ADD_METHOD = "core.change_paymentmethod", "core.add_paymentmethod"
CHANGE_POLICY, ADD_PERSON = "core.change_policy", "core.add_user"
SELLER = ("core.change_seller",)
PLANS = (CHANGE_PLAN, ADD_PLAN, ADD_PRICE, RETIRE_PRICE, "core.view_plan")
METHODS = (CHANGE_METHOD, ADD_METHOD, "core.view_paymentmethod")
PEOPLE = (GRANT, ADD_PERSON)
REMINDERS = (CHANGE_POLICY, "core.view_policy")
MAIL = (OPERATE, CHANGE_POLICY)
SETTERS = (*SELLER, CHANGE_PLAN, CHANGE_METHOD, CHANGE_POLICY, *PEOPLE)
SETTINGS = tuple(dict.fromkeys([*SELLER, *PLANS, *METHODS, *PEOPLE, *REMINDERS, *MAIL]))


class StaffRequest(HttpRequest):
    user: User


View = Callable[Concatenate[StaffRequest, ...], HttpResponse]


def may_see(user: Any, permission: str) -> bool:
    """Superusers see all; what they may decide, the state machines check."""
    return bool(user.is_staff and (user.is_superuser or user.is_granted(permission)))


def may_see_any(user: Any, permissions: Iterable[str]) -> bool:
    return any(may_see(user, permission) for permission in permissions)


def staff_with(*permissions: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """For staff with one of these permissions."""

    def guard(view: View) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def inner(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may_see_any(request.user, permissions):
                raise PermissionDenied("This page is for staff with another duty than yours.")
            return view(request, *args, **kwargs)

        return login_required(inner)

    return guard
