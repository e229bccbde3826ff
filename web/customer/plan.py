from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.models import Invoice, Subscription
from core.models.billing_details import NEEDED_TO_BILL
from core.models.subscription import ACTIVE_STATUSES
from core.problems import Problem
from engine import available, perform
from web.catalogue import MONTH, Catalogue
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.problem_messages import problem_message
from web.status_labels import excess_text
from workflows.actions import cancel_at_period_end, choose_plan, keep_plan
from workflows.actions.sites import excess_of, excess_of_usage, usage_of


@members_only
def plan(request: MemberRequest) -> HttpResponse:
    account = request.account
    rows = list(
        account.subscriptions.filter(status__in=[*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT])
        .select_related("plan", "next_plan")
        .order_by("-pk")
    )
    living = next((row for row in rows if row.status in ACTIVE_STATUSES), None)
    waiting = next((row for row in rows if row.status not in ACTIVE_STATUSES), None)
    currency = living.currency if living else request.GET.get("currency") or account.currency
    interval = request.GET.get("interval") or (living.interval if living else MONTH)
    catalogue = Catalogue(interval=interval, currency=currency)
    current = living or waiting
    usage = usage_of(account)
    return render(
        request,
        "web/customer/plan.html",
        {
            "account": account,
            "living": living,
            "waiting": waiting,
            "current": current,
            "catalogue": catalogue,
            "cards": [
                (card, excess_text(excess_of_usage(card.plan, usage))) for card in catalogue.cards if card.price.amount
            ],
            "is_to_change": living is not None and (living.cancel_at_period_end or living.next_plan is not None),
            "may_cancel": living is not None and "cancel" in available(living, request.user),
            "open_upgrade": living
            and living.invoices.filter(purpose=Invoice.Purpose.UPGRADE, status__in=Invoice.OPEN).first(),
        },
    )


@require_POST
@members_only
def change(request: MemberRequest) -> HttpResponse:
    """The new plan begins now with an invoice, or with the next period if it is smaller."""
    catalogue = Catalogue(interval=request.POST.get("interval", ""), currency=request.POST.get("currency", ""))
    card = catalogue.card(request.POST.get("plan", ""))
    if card is None:
        messages.error(request, _("Choose a plan."))
        return redirect("plan")
    try:
        subscription, invoice = choose_plan(
            request.account,
            card.plan,
            by=request.user,
            currency=catalogue.currency,
            method=request.account.default_payment_method,
            interval=catalogue.interval,
        )
    except Problem as problem:
        if set(NEEDED_TO_BILL) & problem.members.get("errors", {}).keys():
            messages.error(request, _("First say to whom the invoices of a paid plan go, then choose it."))
            return redirect("billing")
        messages.error(request, problem_message(problem))
        return redirect("plan")
    if invoice is not None:
        messages.success(request, _("Your plan changes as soon as this invoice is paid."))
        return redirect("invoice", invoice.pk)
    day = date_format(subscription.period_end, "j F Y") if subscription.period_end else ""
    messages.success(request, _("%(plan)s begins on %(day)s.") % {"plan": card.plan, "day": day})
    if too_much := excess_text(excess_of(request.account, card.plan)):
        messages.warning(request, too_much)
    return redirect("plan")


@require_POST
@owners_and_admins
def keep(request: MemberRequest) -> HttpResponse:
    rows = request.account.subscriptions.filter(status__in=ACTIVE_STATUSES).select_related("plan", "account")
    subscription = get_object_or_404(rows)
    try:
        keep_plan(subscription, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem, about=subscription))
    else:
        messages.success(request, _("You keep your plan."))
    return redirect("plan")


@require_POST
@owners_and_admins
def cancel(request: MemberRequest) -> HttpResponse:
    """`when=now` ends it at once, anything else at the end of the paid period."""
    rows = request.account.subscriptions.filter(status__in=ACTIVE_STATUSES)
    subscription = get_object_or_404(rows)
    try:
        if request.POST.get("when") == "now":
            perform(subscription.cancel, by=request.user)
        else:
            subscription = cancel_at_period_end(subscription, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem, about=subscription))
    else:
        ends_later = subscription.status == Subscription.Status.ACTIVE
        words = _("Your plan ends with the period that is paid for.") if ends_later else _("Your plan is cancelled.")
        messages.success(request, words)
    return redirect("plan")
