"""All papers of all customers, and what staff do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core.http.downloads import document_answer
from core.models import Document, Invoice, Payment
from core.models.document import SELLER as NO_SELLER
from core.problems import Problem
from engine.models import Effect, Transition
from web.form_tokens import new_token, once_per_form_token
from web.paging import page_of
from web.problem_messages import problem_message
from web.staff.access import DOCUMENTS, OPERATE, REVIEW, SELLER, StaffRequest, may_see, may_see_any, staff_with
from web.staff.filters import DocumentFilter
from workflows.documents.again import drawing_of, make_again, send_again

LATEST_ROWS = 12
NEEDS_ATTENTION = {"dead", "uncertain"}  # effects that somebody looks at


@staff_with(*DOCUMENTS)
def documents_page(request: StaffRequest) -> HttpResponse:
    filters = DocumentFilter(request.GET)
    rows = Document.objects.visible_to(request.user).without_words().select_related("account")
    context = {"filters": filters, "page": page_of(rows.filter(filters.condition), request), "chosen": filters.chosen}
    return render(request, "web/staff/documents.html", context)


@staff_with(*DOCUMENTS)
def document_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    document = get_object_or_404(_documents(request).select_related("account", "seller"), pk=pk)
    drawing = drawing_of(document) if document.status == Document.Status.PREPARED else None
    has_failed = drawing is not None and drawing.state in NEEDS_ATTENTION
    steps = Transition.objects.filter(machine="document", object_id=pk).select_related("actor").order_by("seq")
    may_handle = document.may_be_handled_by(request.user)
    may_operate = may_see(request.user, OPERATE)
    context = {
        "document": document,
        "about": _about(document),
        "no_seller": NO_SELLER in document.missing,
        "letters": [text.partition(": ")[2] for text in document.missing if text.startswith("letters")],
        "may_name_seller": may_see_any(request.user, SELLER),
        "drawing": drawing if has_failed else None,
        "may_operate": may_operate,
        "is_making": document.status == Document.Status.PREPARED and not has_failed,
        "may_send": may_handle and document.status == Document.Status.MADE,
        "may_make": may_handle and (document.status == Document.Status.WAITING or (has_failed and may_operate)),
        "mails": _mails(document),
        "steps": steps[:LATEST_ROWS],
        "token": new_token(),
    }
    return render(request, "web/staff/document.html", context)


@staff_with(*DOCUMENTS)
def document_file(request: StaffRequest, pk: UUID) -> HttpResponse:
    return document_answer(request, get_object_or_404(_documents(request).made().without_words(), pk=pk))


@require_POST
@staff_with(REVIEW)
def document_verb(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    """A form that is sent twice acts once."""
    if verb not in VERBS:
        raise Http404
    do, done = VERBS[verb]
    document = get_object_or_404(_documents(request).select_related("account"), pk=pk)

    def act() -> UUID:
        do(document, by=request.user)
        return pk

    try:
        once_per_form_token(request.user, request.POST.get("token", ""), act)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        messages.success(request, done)
    return redirect("desk_document", pk=pk)


def _documents(request: StaffRequest) -> Any:
    return Document.objects.visible_to(request.user)


def _about(document: Document) -> tuple[str, str]:
    """What it tells of, and the address of that."""
    if payment := Payment.objects.filter(pk=document.subject_id).select_related("invoice").first():
        return f"Payment {payment}", reverse("desk_payment", args=[payment.pk])
    if invoice := Invoice.objects.filter(pk=document.subject_id).first():
        return f"Invoice {invoice}", reverse("desk_invoice", args=[invoice.pk])
    return document.account.name, reverse("desk_account", args=[document.account_id])


def _mails(document: Document) -> list[tuple[Effect, str]]:
    """That brought it or are to bring it, newest first, each with to whom it went."""
    sent = Q(machine="document", object_id=document.pk, kind="mail.document")
    found = Effect.objects.filter(sent | Q(key=f"brought:{document.key}", kind__startswith="mail."))
    rows = found.select_related("transition__actor").order_by("-id")[:LATEST_ROWS]
    return [(row, ", ".join((row.outcome or {}).get("recipients", []))) for row in rows]


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "send": (send_again, "It is being mailed. What became of the mail stands below."),
    "make": (make_again, "It is being made."),
}
