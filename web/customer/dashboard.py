from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from core.models import Subscription
from core.models.subscription import ACTIVE_STATUSES
from web.chart import credit_use
from web.customer.access import MemberRequest, members_only
from web.customer.banner import standing_of
from web.customer.timeline import story_of


@members_only
def dashboard(request: MemberRequest) -> HttpResponse:
    account = request.account
    request.standing = standing_of(account)  # type: ignore[attr-defined] # shared with the banner
    states = [*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT]
    invoice = request.standing.invoice  # type: ignore[attr-defined]
    subscriptions = account.subscriptions.filter(status__in=states).select_related("plan", "next_plan")
    return render(
        request,
        "web/customer/dashboard.html",
        {
            "account": account,
            "subscription": min(subscriptions, key=lambda row: states.index(row.status), default=None),
            "invoice": invoice,
            "steps": story_of(invoice, invoice.payments.all()) if invoice else [],
            "chart": credit_use(account),
            "payments": account.payments.select_related("invoice", "method").order_by("-pk")[:3],
            "has_site": account.sites.exists(),
        },
    )
