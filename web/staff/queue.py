from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from core.models import Payment
from web.staff.access import APPROVE, REVIEW, StaffRequest, staff_with
from web.staff.filters import QueueFilter
from web.staff.setup import steps_left
from workflows.bank.evidence import bank_evidence
from workflows.reporting.review_queue import MAX_RANKED, QueueRow, count_waiting, queue

ROWS = 25


@staff_with(REVIEW)
def queue_page(request: StaffRequest) -> HttpResponse:
    context = _queue(request) | {"steps_left": steps_left(request.user)}
    return render(request, "web/staff/queue.html", context)


@staff_with(REVIEW)
def rows(request: StaffRequest) -> HttpResponse:
    """Polled: 204 if the list still looks as in `shown`."""
    context = _queue(request)
    if request.GET.get("shown") == context["shown"]:
        return HttpResponse(status=204)
    return render(request, "web/staff/queue_rows.html", context)


@staff_with(REVIEW)
def waiting_count(request: StaffRequest) -> HttpResponse:
    return HttpResponse(count_text(count_waiting()))


def count_text(count: int) -> str:
    return f"{MAX_RANKED:,}+" if count > MAX_RANKED else f"{count:,}"


def _queue(request: StaffRequest) -> dict[str, Any]:
    filters = QueueFilter(request.GET)
    condition = filters.condition
    claims = queue(condition)
    page: Page[QueueRow] = Paginator(claims, ROWS).get_page(request.GET.get("page"))
    evidence = bank_evidence([claim.id for claim in page])
    for claim in page:
        claim.bank = evidence.get(claim.id)  # gone meanwhile: none
    seen = _keys(request.GET.get("seen", ""))
    gone = seen - {claim.id for claim in claims}
    decided = Payment.objects.filter(pk__in=gone).exclude(status=Payment.Status.PENDING_APPROVAL)
    known = seen | {claim.id for claim in page}
    context = {
        "filters": filters,
        "query": filters.query,
        "page": page,
        "waiting": f"{MAX_RANKED:,} or more" if len(claims) >= MAX_RANKED else f"{len(claims):,}",
        "matching": min(len(claims), 500),
        "at_most": MAX_RANKED,
        "may_decide": request.user.is_granted(APPROVE),
        "decided": decided.select_related("invoice", "account", "decided_by").order_by("pk")[:ROWS] if gone else [],
        "seen": ",".join(sorted(key.hex for key in known)[: 4 * ROWS]),
        "waiting_count": count_text(len(claims)) if condition is None else "",
    }
    rows = render_to_string("web/staff/queue_list.html", context, request)
    return context | {"list": rows, "shown": sha256(rows.encode()).hexdigest()[:16]}


def _keys(text: str) -> set[UUID]:
    """Invalid ones are ignored."""
    words = [word for word in text.split(",")[: 4 * ROWS] if len(word) == 32]
    found = set()
    for word in words:
        try:
            found.add(UUID(hex=word))
        except ValueError:
            continue
    return found
