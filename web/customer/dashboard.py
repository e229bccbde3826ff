"""The account at a glance."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from web.customer.door import Visit, members_only


@members_only
def dashboard(request: Visit) -> HttpResponse:
    return render(request, "web/customer/dashboard.html", {"account": request.account})
