"""Credit notes: written of an invoice, and issued by another person where money was paid."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import CreditNote, Document, Invoice
from core.models.document import document_key
from core.problems import Problem
from engine import perform
from web.form_tokens import new_token, once_per_form_token
from web.paging import page_of
from web.problem_messages import problem_message
from web.staff.access import DOCUMENTS, ISSUE_CREDIT_NOTE, WRITE_CREDIT_NOTE, StaffRequest, may_see_any, staff_with
from web.staff.confirming import for_money
from web.staff.forms import CancelCreditNoteForm, CreditNoteForm
from workflows.actions.credit_notes import issue_credit_note, write_credit_note
from workflows.tax.crediting import lines_left

LISTS = {
    "draft": ("To decide", [CreditNote.Status.DRAFT]),
    "applied": ("Credited", CreditNote.STANDING),
    "cancelled": ("Cancelled", [CreditNote.Status.CANCELLED]),
}


@staff_with(WRITE_CREDIT_NOTE, ISSUE_CREDIT_NOTE)
def credit_notes_page(request: StaffRequest) -> HttpResponse:
    chosen = request.GET.get("list", "draft")
    if chosen not in LISTS:
        raise Http404
    label, states = LISTS[chosen]
    notes = CreditNote.objects.filter(status__in=states).select_related("account", "invoice", "requested_by")
    context = {
        "lists": [(key, name, key == chosen) for key, (name, _) in LISTS.items()],
        "list": chosen,
        "chosen": label,
        "page": page_of(notes, request),
    }
    return render(request, "web/staff/credit_notes.html", context)


@staff_with(WRITE_CREDIT_NOTE, ISSUE_CREDIT_NOTE)
@for_money
def write_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=pk)
    left = lines_left(invoice)
    form = CreditNoteForm(request.POST if request.method == "POST" else None, invoice=invoice, left=left)
    status = 200
    if form.is_valid():
        try:
            key = once_per_form_token(
                request.user,
                request.POST.get("token", ""),
                lambda: (
                    write_credit_note(invoice, **form.amounts, reason=form.cleaned_data["reason"], by=request.user).pk
                ),
            )
        except Problem as problem:
            form.refuse(problem, about=invoice)
            status = problem.status
        else:
            messages.success(request, _said(CreditNote.objects.get(pk=key)))
            return redirect("desk_credit_note", pk=key)
    context = {"invoice": invoice, "form": form, "token": new_token(), "is_left": any(each.gross for each in left)}
    return render(request, "web/staff/credit_note_write.html", context, status=status)


@staff_with(WRITE_CREDIT_NOTE, ISSUE_CREDIT_NOTE)
def credit_note_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _page(request, _note(pk))


@require_POST
@staff_with(WRITE_CREDIT_NOTE, ISSUE_CREDIT_NOTE)
@for_money
def decide(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    if verb not in ("issue", "cancel"):
        raise Http404
    note, form = _note(pk), CancelCreditNoteForm(request.POST)
    if verb == "cancel" and not form.is_valid():
        return _page(request, note, form=form)
    try:
        if verb == "issue":
            issue_credit_note(note, by=request.user)
        else:
            perform(note.cancel, by=request.user, because=form.cleaned_data["ended_because"])
    except Problem as problem:
        messages.error(request, problem_message(problem, about=note))
    else:
        messages.success(request, _said(_note(pk)))
    return redirect("desk_credit_note", pk=pk)


def _page(request: StaffRequest, note: CreditNote, *, form: CancelCreditNoteForm | None = None) -> HttpResponse:
    user, is_draft = request.user, note.status == CreditNote.Status.DRAFT
    to_balance = note.invoice.to_balance_if_credited(note.total) if is_draft else note.to_balance
    needs_another = is_draft and bool(to_balance) and note.requested_by_id == user.pk
    context = {
        "note": note,
        "lines": note.lines.all(),
        "to_balance": to_balance,
        "off": None if to_balance is None else note.total - to_balance,
        "paper": Document.objects.filter(key=document_key("credit_note", note.pk)).first(),
        "may_read_paper": may_see_any(user, DOCUMENTS),
        "needs_another": needs_another,
        "may_issue": is_draft and note.may_be_issued_by(user) and not needs_another,
        "may_cancel": is_draft and note.may_be_dropped_by(user),
        "form": form or CancelCreditNoteForm(),
    }
    return render(request, "web/staff/credit_note.html", context)


def _note(pk: UUID) -> CreditNote:
    return get_object_or_404(
        CreditNote.objects.select_related("account", "invoice", "requested_by", "issued_by"), pk=pk
    )


def _said(note: CreditNote) -> str:
    match note.status:
        case CreditNote.Status.DRAFT:
            return "Written. Somebody else of the staff issues it."
        case CreditNote.Status.CANCELLED:
            return "Cancelled. The invoice is as it was."
        case _:
            return "Credited. The customer gets the paper by mail."
