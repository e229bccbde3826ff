from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from core.models import Payment, User
from core.validation.proof_links import is_plain_https
from engine import explain
from engine.models import Transition
from web.staff.access import APPROVE, MATCH, REVIEW, StaffRequest, may_see, staff_with
from web.staff.filters import QueueFilter
from web.staff.forms import form_of
from web.staff.queue import count_text
from workflows.bank.evidence import bank_evidence
from workflows.payees.changes import version_of
from workflows.reporting.review_queue import queue, same_reference

ADJACENT_CLAIMS = 12  # shown beside the open one
EARLIER = 8

STEPS = {
    "begin": ("Claimed", "done"),
    "approve": ("Approved", "done"),
    "settle": ("Settled: what it pays for is open", "done"),
    "reject": ("Rejected", "bad"),
    "withdraw": ("Withdrawn by the customer", "done"),
    "reverse": ("Reversed", "bad"),
    "reverse_part": ("A part went back", "bad"),
}


@staff_with(REVIEW)
def payment_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    payment = find(pk)
    return render(request, "web/staff/payment.html", page_of(request, payment))


@staff_with(REVIEW)
def state(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Polled: 204 while the payment is as the page shows it."""
    payment = find(pk)
    if request.GET.get("version") == str(payment.version):
        return HttpResponse(status=204)
    return render(request, "web/staff/payment_state.html", decision_context(request, payment))


def find(pk: UUID) -> Payment:
    wanted = Payment.objects.select_related(
        "account", "invoice", "method", "submitted_by", "decided_by", "claimed_by_link__created_by"
    )
    return get_object_or_404(wanted, pk=pk)


def page_of(request: StaffRequest, payment: Payment) -> dict[str, Any]:
    around = adjacent_payments(request, payment)
    context = decision_context(request, payment) | around
    own = next((claim for claim in around["claims"] if claim.id == payment.pk), None)
    payments = Payment.objects.select_related("invoice", "method", "account")
    return context | {
        "signs": own.flags if own else [],
        "level": own.level if own else "",
        "risk": own.risk if own else 0,
        "difference": _difference(payment),
        "payee": version_of(payment.invoice, payment.method)
        if payment.invoice and payment.method.payee_since
        else None,
        "bank": bank_evidence([payment.pk])[payment.pk],
        "may_match": may_see(request.user, MATCH),
        "host": urlsplit(payment.proof_url).hostname if is_plain_https(payment.proof_url) else "",
        "earlier": payments.filter(account=payment.account_id).exclude(pk=payment.pk).order_by("-id")[:EARLIER],
        "twins": same_reference(payment).select_related("invoice", "method", "account").order_by("-id")[:EARLIER],
    }


def _difference(payment: Payment) -> Decimal | None:
    """Of an undecided claim to what is due of its invoice."""
    invoice, is_open = payment.invoice, payment.status == Payment.Status.PENDING_APPROVAL
    if invoice is None or not is_open or payment.currency != invoice.currency:
        return None
    return payment.amount - invoice.outstanding


def decision_context(request: StaffRequest, payment: Payment) -> dict[str, Any]:
    steps = Transition.objects.filter(machine="payment", object_id=payment.pk).select_related("actor").order_by("seq")
    open_verbs = [rule.name for rule in explain(payment, request.user) if rule.is_open]
    verbs = [verb for verb in ("approve", "reject", "reverse") if verb in open_verbs]
    return {
        "payment": payment,
        "verbs": verbs,
        "forms": {verb: form_of(verb, payment) for verb in verbs},
        "why_not": "" if verbs else why_not(payment, request.user),
        "steps": [(step, *_told(step)) for step in steps],
        "filter_query": QueueFilter(request.GET).query,
    }


def _told(step: Transition) -> tuple[str, str]:
    if step.name == "begin" and "link" in step.inputs:
        return "Claimed by link", "done"
    return STEPS.get(step.name, (step.name, "done"))


def why_not(payment: Payment, user: User) -> str:
    if payment.status != Payment.Status.PENDING_APPROVAL:
        return ""
    if payment.submitted_by_id == user.pk:
        return "You recorded this payment yourself, so somebody else decides on it."
    if payment.is_submitted_by(user):
        return "You made the link by which this was claimed, so somebody else decides on it."
    if user.is_granted(APPROVE) and not user.may_decide_on(payment.account_id, APPROVE):
        return "You belong to this account, or did, so somebody else decides on it."
    return "You may look at payments; deciding on them is another duty."


def adjacent_payments(request: StaffRequest, payment: Payment) -> dict[str, Any]:
    """The queue around the payment, filtered as the reviewer came."""
    claims = queue(QueueFilter(request.GET).condition, also=payment.pk)
    keys = [claim.id for claim in claims]
    here = keys.index(payment.pk) if payment.pk in keys else -1
    first = max(0, min(here - ADJACENT_CLAIMS // 2, len(claims) - ADJACENT_CLAIMS))
    return {
        "claims": claims[first : first + ADJACENT_CLAIMS],
        "waiting": count_text(len(claims)),
        "place": here + 1,
        "next": keys[here + 1] if here + 1 < len(keys) else None,
        "previous": keys[here - 1] if here > 0 else None,
    }
