"""What the bank says: files come in, and their lines are decided."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.http.body_limits import FORM_MAX_BYTES, takes_bytes
from core.models import (
    Account,
    BankAccount,
    Invoice,
    Payment,
    PendingLine,
    Refund,
    StatementDraft,
    StatementFile,
    StatementLine,
)
from core.models.statement import FILE_MAX_BYTES
from core.problems import Conflict, Problem, ValidationError
from engine import perform
from web.keys import key_or_404
from web.paging import page_of
from web.problem_messages import problem_message
from web.staff.access import IMPORT, MATCH, StaffRequest, may_see, staff_with
from web.staff.bank_credit import credit_context
from web.staff.forms import IgnoreForm, ReturnForm, UploadForm
from workflows.bank import (
    CandidateFinder,
    Part,
    find_refunds,
    find_returned,
    match_line,
    return_line,
    settle_refunds,
    unmatch_line,
)
from workflows.bank.continuity import breaks_around, breaks_of
from workflows.bank.drafts import import_or_keep
from workflows.bank.matching import TOGETHER_MOST
from workflows.bank.summary import summary
from workflows.seed.bank import demo_statement, has_demo_bank

FILES = 8
ACCOUNTS = 50
ANNOUNCED = 20
UNDECIDED = Q(status__in=StatementLine.UNDECIDED)
# The three lists of a day's work.
LISTS = {
    "look": ("To look at", UNDECIDED & (Q(amount__gt=0) | Q(is_return=True))),
    "self": ("Done by itself", ~Q(rule="") & ~UNDECIDED),
    "done": ("Decided by people", Q(rule="", status__in=["matched", "returned", "ignored"])),
    "left": ("Money out", UNDECIDED & Q(amount__lte=0, is_return=False)),
}


@takes_bytes(FILE_MAX_BYTES + FORM_MAX_BYTES)
@staff_with(IMPORT, MATCH)
def bank_page(request: StaffRequest) -> HttpResponse:
    form = UploadForm(request.POST or None, request.FILES or None) if request.user.is_granted(IMPORT) else None
    status = 200
    if request.method == "POST" and form is not None and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            taken = import_or_keep(
                upload.read(FILE_MAX_BYTES + 1), name=upload.name, by=request.user, bank_account=form.chosen
            )
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            if isinstance(taken, StatementDraft):
                return redirect("desk_bank_table", pk=taken.pk)
            file, is_duplicate = taken
            if is_duplicate:
                messages.info(request, "This file was here before: nothing was imported.")
            return redirect("desk_bank_file", pk=file.pk)
    chosen = request.GET.get("list", "look")
    if chosen not in LISTS:
        raise Http404
    accounts = list(BankAccount.objects.all()[:ACCOUNTS])
    breaks = breaks_of(accounts)
    context = {
        "form": form,
        "lists": [(key, label, key == chosen) for key, (label, _) in LISTS.items()],
        "chosen": LISTS[chosen][0],
        "list": chosen,
        "may_ignore": chosen in ("look", "left") and may_see(request.user, MATCH),
        "page": page_of(_lines(request, chosen), request),
        "q": request.GET.get("q", "")[:100],
        "announced": PendingLine.objects.select_related("bank_account").order_by("-booked_on", "-id")[:ANNOUNCED],
        "files": StatementFile.objects.prefetch_related("parts__bank_account").order_by("-id")[:FILES],
        "has_account": bool(accounts),
        "breaks": [(account, breaks[account.pk]) for account in accounts if breaks[account.pk]],
        "has_demo": has_demo_bank(),
    }
    return render(request, "web/staff/bank.html", context, status=status)


def _lines(request: StaffRequest, chosen: str) -> QuerySet[StatementLine]:
    # Not a join, which is planned as a sort of all of them while the table has no statistics: after the first import.
    lines = StatementLine.objects.filter(LISTS[chosen][1]).prefetch_related("bank_account")
    words = " ".join(request.GET.get("q", "").split())[:100]
    return lines.mentioning(words) if words else lines


@staff_with(IMPORT, MATCH)
def file_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    file = get_object_or_404(StatementFile.objects.prefetch_related("parts__bank_account"), pk=pk)
    names = {str(part.pk): part.bank_account.name for part in file.parts.all()}
    facts = summary(file)
    breaks = {str(key): found for key, found in breaks_around(file).items()}
    parts = [(part, names[part["id"]], breaks.get(part["id"], [])) for part in facts["parts"]]
    is_waiting = file.status == StatementFile.Status.QUEUED
    return render(request, "web/staff/bank_file.html", {"file": file, "parts": parts, "is_waiting": is_waiting})


@staff_with(IMPORT)
def demo_file(request: StaffRequest) -> HttpResponse:
    """What the demo's bank would say today, to drop on the page."""
    if not has_demo_bank():
        raise Http404
    answer = HttpResponse(demo_statement(), content_type="application/xml")
    answer["Content-Disposition"] = 'attachment; filename="demo-statement.xml"'
    return answer


@staff_with(MATCH)
def line_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    ignores = "ignore" in request.GET
    return _line_page(request, _line(pk), IgnoreForm(is_first=ignores), ignores=ignores)


def _line_page(request: StaffRequest, line: StatementLine, form: IgnoreForm, *, ignores: bool = False) -> HttpResponse:
    is_undecided = line.status in StatementLine.UNDECIDED
    [candidates] = CandidateFinder(line.bank_account).find([line]) if is_undecided else [[]]
    context = {
        **(credit_context(request, line) if is_undecided and line.amount > 0 else {}),
        "line": line,
        "file": line.statement.file,
        "candidates": candidates,
        "alone": [candidate for candidate in candidates if not candidate.is_together],
        "together": [candidate for candidate in candidates if candidate.is_together],
        "returned": find_returned(line) if is_undecided else [],
        "sent_refunds": find_refunds(line) if is_undecided else [],
        "refunds": line.refunds.order_by("id"),
        "parts": line.payments.select_related("payment__invoice", "payment__account", "decided_by").order_by("id"),
        "is_undecided": is_undecided,
        "form": form,
        "ignores": ignores,
    }
    return render(request, "web/staff/bank_line.html", context)


def _line(pk: UUID) -> StatementLine:
    return get_object_or_404(StatementLine.objects.select_related("bank_account", "statement__file"), pk=pk)


@require_POST
@staff_with(MATCH)
def decide(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    line, form = _line(pk), IgnoreForm(request.POST if verb == "ignore" else None)
    if verb not in VERBS:
        raise Http404
    if verb == "ignore" and not form.is_valid():
        return _line_page(request, line, form, ignores=True)
    try:
        VERBS[verb](request, line, form)
    except Problem as problem:
        messages.error(request, problem_message(problem, about=line))
        return redirect("desk_bank_line", pk=pk)
    messages.success(request, DONE[verb])
    if verb in ("unmatch", "reopen"):
        return redirect("desk_bank_line", pk=pk)
    return redirect("desk_bank")


def _match(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    chosen = request.POST.getlist("pays")[:TOGETHER_MOST]
    parts = [_part(request, pays, line.amount) for pays in chosen or [""]]
    if len(parts) > 1:
        parts = _together(line, parts)
    match_line(line, parts, by=request.user)


def _part(request: StaffRequest, pays: str, amount: Decimal) -> Part:
    kind, _, key = pays.partition(":")
    if kind == "payment":
        return Part(amount, payment=get_object_or_404(Payment.objects.visible_to(request.user), pk=key_or_404(key)))
    return Part(amount, invoice=get_object_or_404(Invoice.objects.visible_to(request.user), pk=key_or_404(key)))


def _together(line: StatementLine, parts: list[Part]) -> list[Part]:
    """Each with its own amount. Raises Conflict if they are no longer what the line is about."""
    [candidates] = CandidateFinder(line.bank_account).find([line])
    amounts = {(each.claim or each.invoice).pk: each.amount for each in candidates if each.is_together}
    keys = [row.pk for part in parts if (row := part.payment or part.invoice) is not None]
    if sorted(keys) != sorted(amounts):
        raise Conflict("What these invoices expect has changed meanwhile: look again.")
    return [replace(part, amount=amounts[key]) for part, key in zip(parts, keys, strict=True)]


def _credit(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    account = get_object_or_404(
        Account.objects.visible_to(request.user), pk=key_or_404(request.POST.get("account", ""))
    )
    match_line(line, [Part(line.amount, account=account)], by=request.user)


def _instead(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    claim = get_object_or_404(Payment.objects.visible_to(request.user), pk=key_or_404(request.POST.get("payment", "")))
    match_line(line, [Part(line.amount, payment=claim, is_instead=True)], by=request.user)


def _return(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    key = key_or_404(request.POST.get("payment", ""))
    payment = get_object_or_404(Payment.objects.visible_to(request.user), pk=key)
    typed = ReturnForm(request.POST, currency=line.currency)
    if not typed.is_valid():
        raise ValidationError({"amount": [str(each) for each in typed.errors["amount"]]})
    return_line(line, payment, by=request.user, amount=typed.cleaned_data["amount"])


def _refund(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    refund = get_object_or_404(Refund, pk=key_or_404(request.POST.get("refund", "")))
    settle_refunds(line, [refund], by=request.user)


def _unmatch(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    unmatch_line(line, by=request.user)


def _ignore(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    perform(line.ignore, by=request.user, because=form.cleaned_data["reason"])


def _reopen(request: StaffRequest, line: StatementLine, form: IgnoreForm) -> None:
    perform(line.reopen, by=request.user)


VERBS = {
    "match": _match,
    "refund": _refund,
    "credit": _credit,
    "instead": _instead,
    "return": _return,
    "unmatch": _unmatch,
    "ignore": _ignore,
    "reopen": _reopen,
}
DONE = {
    "match": "Matched. The payment is approved and settles by itself.",
    "refund": "The refund is paid back.",
    "credit": "Credited: the account has it in its balance, from which open invoices are paid.",
    "instead": "The claim is rejected for its currency, and the account has what came in its balance.",
    "return": "The payment is reversed, as far as it went back.",
    "unmatch": "The match is taken back.",
    "ignore": "The line is ignored.",
    "reopen": "The line is open again.",
}
