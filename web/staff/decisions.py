from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.models import Payment
from core.problems import PermissionDenied, Problem, ValidationError
from web.amounts import money
from web.staff.access import REVIEW, StaffRequest, staff_with
from web.staff.confirming import for_money
from web.staff.forms import FORMS, ApproveForm, RejectForm, form_of, open_invoices
from web.staff.payment import adjacent_payments, decision_context, find, why_not
from workflows.actions import decide_payment

WORDS = {
    "approve": ("Approve", "Approved {money} of {account}. Only a reversal takes it back."),
    "reject": ("Reject", "Rejected {money} of {account}. The customer is told why; the invoice stays open."),
    "reverse": ("Reverse", "Reversed {money} of {account}. What it had paid is open again."),
}


@staff_with(REVIEW)
@for_money
def decide(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    """A page without JavaScript, and the target of the dialogs."""
    if verb not in FORMS:
        raise Http404
    payment = find(pk)
    form = form_of(verb, payment, request.POST if request.method == "POST" else None)
    context = {"verb": verb, "title": WORDS[verb][0], "form": form}
    if request.method != "POST" or not form.is_valid():
        return _page(request, payment, context)
    if verb == "reject" and form.is_short and "approve" in decision_context(request, payment)["verbs"]:
        return _page(request, payment, {**context, **_instead(payment, form)})
    following = adjacent_payments(request, payment)["next"] if verb != "reverse" else None
    try:
        decide_payment(payment, verb, by=request.user, **form.inputs)
    except PermissionDenied as problem:
        payment = find(pk)
        reason = why_not(payment, request.user) or problem.detail
        return _page(request, payment, {**context, "problem": reason}, status=problem.status)
    except ValidationError as problem:
        form.refuse(problem)
        return _page(request, find(pk), context, status=problem.status)
    except Problem as problem:
        return _page(request, find(pk), {**context, "problem": problem.detail}, status=problem.status)
    messages.success(request, _success_message(payment, verb, form.inputs.get("amount")))
    if verb == "reverse":
        return redirect("desk_payment", pk=pk)
    query = request.GET.urlencode()
    address = reverse("desk_payment", args=[following]) if following else reverse("desk")
    return redirect(f"{address}?{query}" if query else address)


def _instead(payment: Payment, form: RejectForm) -> dict[str, object]:
    """Offer to approve the smaller amount that arrived."""
    offer = ApproveForm(payment=payment, invoices=open_invoices(payment), is_short=True)
    return {"offer": offer, "form": RejectForm(payment=payment, initial={**form.inputs, "all_the_same": True})}


def _page(request: StaffRequest, payment: Payment, context: dict[str, object], *, status: int = 200) -> HttpResponse:
    around = adjacent_payments(request, payment)
    own = next((claim for claim in around["claims"] if claim.id == payment.pk), None)
    context = decision_context(request, payment) | around | {"claim": own} | context
    return render(request, "web/staff/decide.html", context, status=status)


def _success_message(payment: Payment, verb: str, part: Decimal | None) -> SafeString:
    """part: what was reversed, if not all of it."""
    amount = part or (payment.received if verb == "approve" else payment.amount)
    words = format_html(WORDS[verb][1], money=money(amount, payment.currency), account=payment.account.name)
    return format_html('{} <a href="{}">Look at it again</a>', words, reverse("desk_payment", args=[payment.pk]))
