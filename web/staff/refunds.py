"""Money that goes back: requested by one person, approved by another, paid by the bank."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.db.transaction import atomic
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.models import Account, BankAccount, PayerIdentity, Refund
from core.problems import Problem
from engine import Step, available, perform, perform_many
from web.form_tokens import new_token, once_per_form_token
from web.forms.base import PageForm
from web.keys import key_or_404
from web.paging import page_of
from web.problem_messages import problem_message
from web.staff.access import APPROVE_REFUND, REQUEST_REFUND, StaffRequest, staff_with
from web.staff.confirming import for_money
from web.staff.forms import EndRefundForm, RefundForm, SentForm
from workflows.bank.clues import fold_account
from workflows.refunds import Payee, payout_csv, payout_pain001, refunds_to_pay, request_refund
from workflows.settlement.balances import balance_of

# The lists of the page, and their states.
LISTS = {
    "requested": ("To approve", [Refund.Status.REQUESTED]),
    "approved": ("To pay", [Refund.Status.APPROVED]),
    "sent": ("Under way", [Refund.Status.SENT]),
    "over": ("Over", [Refund.Status.SETTLED, Refund.Status.FAILED, Refund.Status.CANCELLED]),
}
KNOWN_PAYERS = 5
ENDINGS = {"pain001": "xml", "csv": "csv"}


@staff_with(REQUEST_REFUND, APPROVE_REFUND)
def refunds_page(request: StaffRequest) -> HttpResponse:
    chosen = request.GET.get("list", "requested")
    if chosen not in LISTS:
        raise Http404
    label, states = LISTS[chosen]
    refunds = Refund.objects.filter(status__in=states).select_related("account", "bank_account")
    context = {
        "lists": [(key, name, key == chosen) for key, (name, _) in LISTS.items()],
        "list": chosen,
        "chosen": label,
        "page": page_of(refunds, request),
        "payers": _payers() if chosen == "approved" else [],
    }
    return render(request, "web/staff/refunds.html", context)


@staff_with(REQUEST_REFUND)
@for_money
def request_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    balances = {currency: amount for currency, amount in sorted(balance_of(pk).items()) if amount > 0}
    accounts = list(BankAccount.objects.filter(currency__in=balances))
    form = RefundForm(request.POST if request.method == "POST" else None, balances=balances, accounts=accounts)
    status = 200
    if form.is_valid():
        data = form.cleaned_data
        try:
            key = once_per_form_token(
                request.user,
                request.POST.get("token", ""),
                lambda: (
                    request_refund(
                        account,
                        amount=data["amount"],
                        currency=data["currency"],
                        payee=Payee(data["payee_name"], data["payee_account"], data["payee_bank"]),
                        reason=data["reason"],
                        bank_account=form.chosen,
                        note=data["note"],
                        by=request.user,
                    ).pk
                ),
            )
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            messages.success(request, "Requested. Somebody else of the staff approves it.")
            return redirect("desk_refund", pk=key)
    context = {
        "account": account,
        "form": form,
        "token": new_token(),
        "has_balance": bool(balances),
        "known": _known_payers(account.pk),
    }
    return render(request, "web/staff/refund_request.html", context, status=status)


@staff_with(REQUEST_REFUND, APPROVE_REFUND)
def refund_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _refund_page(request, _refund(pk))


def _refund_page(
    request: StaffRequest, refund: Refund, *, form: PageForm | None = None, verb: str = "", status: int = 200
) -> HttpResponse:
    verbs = [name for name in available(refund, request.user) if name in LABELS]
    forms = {name: FORMS[name](auto_id=f"{name}_%s") for name in verbs if name in FORMS}
    if form is not None:
        forms[verb] = form
    context = {
        "refund": refund,
        "verbs": [(name, LABELS[name], forms.get(name)) for name in verbs],
        "entries": refund.balance_entries.select_related("payment__invoice").order_by("id"),
        "is_known_payer": _is_known_payer(refund),
        "own_request": refund.requested_by_id == request.user.pk and refund.status == Refund.Status.REQUESTED,
    }
    return render(request, "web/staff/refund.html", context, status=status)


@require_POST
@staff_with(REQUEST_REFUND, APPROVE_REFUND)
@for_money
def decide(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    if verb not in LABELS:
        raise Http404
    refund = _refund(pk)
    form = FORMS[verb](request.POST, auto_id=f"{verb}_%s") if verb in FORMS else None
    if form is not None and not form.is_valid():
        return _refund_page(request, refund, form=form, verb=verb)
    try:
        perform(getattr(refund, verb), by=request.user, **_arguments(form))
    except Problem as problem:
        refund.refresh_from_db()
        if form is None:
            messages.error(request, problem_message(problem, about=refund))
            return redirect("desk_refund", pk=pk)
        form.refuse(problem, about=refund)
        return _refund_page(request, refund, form=form, verb=verb, status=problem.status)
    messages.success(request, DONE[verb])
    return redirect("desk_refund", pk=pk)


@staff_with(REQUEST_REFUND, APPROVE_REFUND)
def payout(request: StaffRequest, kind: str) -> HttpResponse:
    """The file for the bank. Nothing changes by fetching it."""
    if kind not in ENDINGS:
        raise Http404
    account, now = _bank_account(request.GET.get("bank_account", "")), timezone.now()
    try:
        if kind == "csv":
            answer = HttpResponse(payout_csv(refunds_to_pay(account)), content_type="text/csv; charset=utf-8")
        elif account is None:  # it is of one account
            raise Http404
        else:
            content = payout_pain001(refunds_to_pay(account), account, on=now.date(), now=now)
            answer = HttpResponse(content, content_type="application/xml")
    except Problem as problem:
        messages.error(request, problem_message(problem))
        return redirect("desk_refunds")
    answer["Content-Disposition"] = f'attachment; filename="refunds-{now:%Y-%m-%d}.{ENDINGS[kind]}"'
    return answer


@require_POST
@staff_with(REQUEST_REFUND, APPROVE_REFUND)
@for_money
def mark_all_sent(request: StaffRequest) -> HttpResponse:
    """Those that were chosen: all, or none."""
    to_pay = f"{reverse('desk_refunds')}?list=approved"
    form = SentForm(request.POST)
    keys = [key_or_404(text) for text in request.POST.getlist("refund")]
    if not keys or not form.is_valid():
        messages.error(request, "Choose refunds, and the day on which the bank got the order.")
        return redirect(to_pay)
    try:
        with atomic():
            found = Refund.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True)
            steps = [Step(refund.mark_sent, {"sent_on": form.cleaned_data["sent_on"]}) for refund in found]
            perform_many(steps, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        messages.success(request, f"Sent: {len(steps)}. The statement that shows them settles them.")
    return redirect(to_pay)


def _refund(pk: UUID) -> Refund:
    return get_object_or_404(
        Refund.objects.select_related("account", "bank_account", "requested_by", "approved_by", "line"), pk=pk
    )


def _payers() -> list[tuple[BankAccount, int]]:
    """Our accounts from which approved refunds are to be paid, with their number."""
    to_pay = Refund.objects.to_pay().exclude(bank_account=None)
    counts = dict(to_pay.order_by().values_list("bank_account").annotate(Count("pk")))
    return [(account, counts[account.pk]) for account in BankAccount.objects.filter(pk__in=counts)]


def _known_payers(account: UUID) -> list[str]:
    known = PayerIdentity.objects.filter(account=account, kind=PayerIdentity.Kind.ACCOUNT).order_by("-id")
    return list(known.values_list("value", flat=True)[:KNOWN_PAYERS])


def _is_known_payer(refund: Refund) -> bool:
    folded = fold_account(refund.payee_account or "")
    return (
        bool(folded)
        and PayerIdentity.objects.filter(
            account=refund.account_id, kind=PayerIdentity.Kind.ACCOUNT, value=folded
        ).exists()
    )


def _bank_account(key: str) -> BankAccount | None:
    return get_object_or_404(BankAccount, pk=key_or_404(key)) if key else None


def _arguments(form: PageForm | None) -> dict[str, Any]:
    """Of the verb, as its form has them."""
    if form is None:
        return {}
    data = form.cleaned_data
    return {"because": data["ended_because"]} if "ended_because" in data else {"sent_on": data["sent_on"]}


FORMS: dict[str, type[PageForm]] = {"mark_sent": SentForm, "fail": EndRefundForm, "cancel": EndRefundForm}
LABELS = {
    "approve": "Approve",
    "mark_sent": "It is sent",
    "settle": "It has arrived",
    "fail": "It failed",
    "cancel": "Cancel it",
}
DONE = {
    "approve": "Approved. It is in the next payout file.",
    "mark_sent": "Sent. The statement that shows it settles it.",
    "settle": "Paid back.",
    "fail": "Failed. The money is in the customer's balance again.",
    "cancel": "Cancelled. The money is in the customer's balance again.",
}
