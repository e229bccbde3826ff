from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.models import Payment
from core.problems import Problem, ValidationError
from web.staff.access import REVIEW, StaffRequest, staff_with
from web.staff.confirming import for_money
from web.staff.filters import QueueFilter
from web.staff.forms import BulkApproveForm, BulkRejectForm
from workflows.actions import decide_many, excluded_from_bulk
from workflows.reporting.review_queue import queue

MAX_BULK_PAYMENTS = 500
WORDS = {"approve": ("Approve", "approved"), "reject": ("Reject", "rejected")}


@staff_with(REVIEW)
@for_money
def bulk(request: StaffRequest) -> HttpResponse:
    """Works without JavaScript; with it the page posts the list to `part` in pieces."""
    if request.method != "POST":
        return redirect("desk")
    verb, keys = wanted(request)
    if not keys:
        return redirect("desk")
    confirmed = "confirmed" in request.POST
    form = _form(verb, request.POST if confirmed else None)
    context: dict[str, Any] = {"verb": verb, "title": WORDS[verb][0], "done": WORDS[verb][1], "form": form}
    if confirmed and form.is_valid():
        outcomes = dict(decide_many(keys, verb, by=request.user, **form.inputs))
        return render(request, "web/staff/bulk_done.html", context | _results(keys, outcomes))
    # Checked here, where the list is whole: later it is sent in pieces.
    apart = excluded_from_bulk(keys, verb, request.user)
    found = [(payment, _problem(apart.get(payment.pk))) for payment in _payments(keys)]
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for payment, problem in found:
        if not problem:
            sums[payment.currency] += payment.amount
    context |= {"rows": found, "count": len(found) - len(apart), "sums": dict(sums), "left_out": len(apart)}
    return render(request, "web/staff/bulk.html", context)


@staff_with(REVIEW)
@for_money
@require_POST
def part(request: StaffRequest) -> HttpResponse:
    """Decides on a part of the list; answers its rows with results."""
    verb, keys = wanted(request)
    form = _form(verb, request.POST)
    if not form.is_valid():
        raise ValidationError({name: list(lines) for name, lines in form.errors.items()})
    outcomes = dict(decide_many(keys, verb, by=request.user, **form.inputs))
    return render(request, "web/staff/bulk_rows.html", _results(keys, outcomes))


def wanted(request: StaffRequest) -> tuple[str, list[UUID]]:
    verb = request.POST.get("verb", "")
    if verb not in WORDS:
        raise ValidationError({"verb": ["Approve or reject."]})
    if request.POST.get("all"):
        return verb, [claim.id for claim in queue(QueueFilter(request.POST).condition)][:MAX_BULK_PAYMENTS]
    try:
        keys = list(dict.fromkeys(UUID(text) for text in request.POST.getlist("id")))
    except ValueError as error:
        raise ValidationError({"id": ["These are no keys of payments."]}) from error
    if len(keys) > MAX_BULK_PAYMENTS:
        raise ValidationError({"id": [f"At most {MAX_BULK_PAYMENTS} at once."]})
    return verb, keys


def _form(verb: str, data: Any) -> Any:
    return BulkRejectForm(data) if verb == "reject" else BulkApproveForm(data)


def _payments(keys: list[UUID]) -> list[Payment]:
    found = Payment.objects.filter(pk__in=keys).select_related("invoice", "account").in_bulk()
    return [found[key] for key in keys if key in found]


def _results(keys: list[UUID], outcomes: dict[UUID, Payment | Problem]) -> dict[str, Any]:
    rows = [(payment, _problem(outcomes[payment.pk])) for payment in _payments(keys)]
    return {
        "rows": rows,
        "decided": sum(not problem for _, problem in rows),
        "left_alone": sum(bool(problem) for _, problem in rows),
    }


def _problem(outcome: Payment | Problem | None) -> str:
    return outcome.detail if isinstance(outcome, Problem) else ""
