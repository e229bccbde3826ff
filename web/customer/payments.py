from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.models import Invoice, Payment
from core.problems import Problem
from engine import available, perform
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.customer.timeline import story_of
from web.paging import page_of
from web.problem_messages import problem_message
from workflows.mail.rejection_reasons import reason_for


@members_only
def payments(request: MemberRequest) -> HttpResponse:
    page = page_of(request.account.payments.select_related("invoice", "method"), request)
    return render(request, "web/customer/payments.html", {"page": page})


@members_only
def payment(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _payment_of(request, pk)
    return render(
        request,
        "web/customer/payment.html",
        {
            "payment": found,
            "steps": story_of(found.invoice, [found]),
            "why": reason_for(found.reason_code) if found.status == Payment.Status.FAILED else None,
            "may_withdraw": "withdraw" in available(found, request.user),
            "is_open": found.invoice is not None and found.invoice.status in Invoice.OPEN,
        },
    )


@require_POST
@owners_and_admins
def withdraw(request: MemberRequest, pk: UUID) -> HttpResponse:
    found = _payment_of(request, pk)
    try:
        perform(found.withdraw, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem, about=found))
    else:
        messages.success(request, _("The payment is withdrawn. The invoice is still open."))
    return redirect("payment", found.pk)


def _payment_of(request: MemberRequest, pk: UUID) -> Payment:
    return get_object_or_404(
        request.account.payments.select_related("invoice", "method", "submitted_by", "claimed_by_link"), pk=pk
    )
