from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from engine.models import Batch
from web.staff.access import OPERATE, StaffRequest, staff_with

ROWS = 50


@staff_with(OPERATE)
def batches_page(request: StaffRequest) -> HttpResponse:
    batches = Batch.objects.select_related("then").with_stuck().order_by("-id")
    context = {
        "open": batches.filter(completed_at=None)[:ROWS],
        "complete": batches.exclude(completed_at=None)[:ROWS],
        "rows": ROWS,
    }
    return render(request, "web/staff/batches.html", context)
