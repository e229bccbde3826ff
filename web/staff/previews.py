"""Nothing is changed, so no password is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from core.models import Payment
from core.problems import PermissionDenied, Problem, ValidationError
from engine.stateful import Stateful
from web.staff.access import REVIEW, StaffRequest, staff_with
from web.staff.bulk import wanted
from web.staff.forms import FORMS, ApproveForm, ReverseForm, open_invoices
from workflows.actions import decide_many, decide_payment
from workflows.reporting.previews import preview_billing

PREVIEWED_CLAIMS = 100  # the rows they move are locked meanwhile
# For required fields that are still empty and do not change the outcome.
STAND_INS: dict[str, dict[str, Any]] = {
    "reject": {"reason_code": Payment.Reason.OTHER},
}


@staff_with(REVIEW)
@require_POST
def preview(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    """A preview with the input so far; empty while that is invalid."""
    if verb not in FORMS:
        raise Http404
    payment = get_object_or_404(Payment, pk=pk)
    inputs = STAND_INS.get(verb)
    if inputs is None:
        form = _form(request, payment, verb)
        if not form.is_valid():
            return HttpResponse()
        inputs = form.inputs
    return preview_line(request, lambda: decide_payment(payment, verb, by=request.user, **inputs), payment)


def _form(request: StaffRequest, payment: Payment, verb: str) -> ApproveForm | ReverseForm:
    if verb == "reverse":
        reason = request.POST.get("reason_given", "").strip() or "-"  # required, and without influence
        return ReverseForm({**request.POST.dict(), "reason_given": reason}, payment=payment)
    is_split = any(words for name, words in request.POST.items() if name.startswith("to_"))
    return ApproveForm(request.POST, payment=payment, invoices=open_invoices(payment) if is_split else [])


@staff_with(REVIEW)
@require_POST
def preview_many(request: StaffRequest) -> HttpResponse:
    verb, keys = wanted(request)
    if len(keys) > PREVIEWED_CLAIMS:
        return _line(request, problem=f"More than {PREVIEWED_CLAIMS} claims are not previewed together.")
    return preview_line(request, lambda: dict(decide_many(keys, verb, by=request.user, **STAND_INS.get(verb, {}))))


def preview_line(request: StaffRequest, work: Callable[[], Any], *subjects: Stateful) -> HttpResponse:
    try:
        return _line(request, summary=preview_billing(work, *subjects, by=request.user).summary)
    except PermissionDenied:
        raise
    except ValidationError:  # of the input so far
        return HttpResponse()
    except Problem as problem:
        return _line(request, problem=problem.detail)


def _line(request: StaffRequest, **words: str) -> HttpResponse:
    return render(request, "web/staff/preview.html", words)
