from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Substr
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.http.downloads import attachment, document_answer
from core.models import Account, Document
from core.models.document import DocumentQuerySet
from core.problems import Problem
from web.catalogue import Catalogue
from web.customer.access import MemberRequest, members_only, owners_and_admins
from web.form_tokens import once_per_form_token
from web.forms.documents import StatementForm, this_year_of
from web.paging import Page, page_of
from web.problem_messages import problem_message
from web.status_labels import DOCUMENT_KINDS
from web.zips import zipped
from workflows.actions.proformas import make_proforma
from workflows.documents.requests import make_statement

FILES_PER_ZIP, BYTES_PER_ZIP = 500, 50_000_000
MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True)
class Month:
    """key: `2026-11`."""

    key: str
    made: int

    @property
    def name(self) -> str:
        return month_name(self.key)


@members_only
def documents(request: MemberRequest) -> Any:
    """`?kind=` and `?year=` choose some of them; its form asks for a statement."""
    if request.method == "POST":
        return _statement(request)
    return _page(
        request,
        StatementForm(account=request.account, initial=this_year_of(request.account)) if request.may_act else None,
    )


@owners_and_admins
def _statement(request: MemberRequest) -> HttpResponse:
    form = StatementForm(request.POST, account=request.account)
    if form.is_valid() and _make(request, form):
        messages.success(request, _("Your statement is being made. It appears below in some seconds."))
        return redirect("documents")
    return form.set_status_on(_page(request, form))


@require_POST
@owners_and_admins
def proforma(request: MemberRequest) -> HttpResponse:
    catalogue = Catalogue(interval=request.POST.get("interval", ""), currency=request.POST.get("currency", ""))
    card = catalogue.card(request.POST.get("plan", ""))
    if card is None:
        messages.error(request, _("Choose a plan."))
        return redirect("plan")
    try:
        make_proforma(request.account, card.price, by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem))
        return redirect("plan")
    messages.success(request, _("Your proforma invoice is being made. It appears below in some seconds."))
    return redirect("documents")


def _make(request: MemberRequest, form: StatementForm) -> bool:
    data = form.cleaned_data

    def make() -> UUID:
        made = make_statement(request.account, data["currency"], data["start"], data["end"], by=request.user)
        return made.pk

    try:
        once_per_form_token(request.user, data["token"], make)
    except Problem as problem:
        form.refuse(problem)
    return not form.errors


def _page(request: MemberRequest, form: StatementForm | None) -> HttpResponse:
    months = _months(request.account)
    years = sorted({month.key[:4] for month in months}, reverse=True)
    kinds = list(Document.objects.filter(account=request.account).order_by().values_list("kind", flat=True).distinct())
    kind, year = request.GET.get("kind", ""), request.GET.get("year", "")
    kind, year = kind if kind in kinds else "", year if year in years else ""
    rows = Document.objects.filter(account=request.account, **({"kind": kind} if kind else {}))
    page: Page[Document] = page_of(_dated(_of(rows, year)), request)
    context = {
        "page": page,
        "has_waiting": any(paper.status == Document.Status.WAITING for paper in page),
        "is_making": any(paper.status == Document.Status.PREPARED for paper in page),
        "form": form,
        "kind": kind,
        "kinds": [(code, words) for code, words in DOCUMENT_KINDS.items() if code in kinds],
        "year": year,
        "years": years,
        "months": [month for month in months if month.made],
    }
    return render(request, "web/customer/documents.html", context)


@members_only
def file(request: MemberRequest, pk: UUID) -> HttpResponse:
    made = Document.objects.filter(account=request.account).made().without_words()
    return document_answer(request, get_object_or_404(made, pk=pk))


@members_only
def month(request: MemberRequest) -> Any:
    """A zip of what was made; `?month=2026-11`, perhaps with `kind`."""
    key, kind = request.GET.get("month", ""), request.GET.get("kind", "")
    if not MONTH.fullmatch(key):
        messages.error(request, _("Choose a month."))
        return redirect("documents")
    rows = _of(Document.objects.filter(account=request.account).made().without_words(), key)
    if kind in Document.Kind.values:
        rows = rows.filter(kind=kind)
    found = rows.aggregate(count=Count("pk"), bytes=Sum("size"))
    if refusal := _refusal(key, found["count"], found["bytes"] or 0):
        messages.error(request, refusal)
        return redirect("documents")
    answer = StreamingHttpResponse(zipped(list(rows.order_by("pk"))), content_type="application/zip")
    answer["Content-Disposition"] = attachment(f"documents-{key}.zip")
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def papers_of(account: Account, subjects: Sequence[UUID]) -> list[Document]:
    """Of an invoice or payments of that account, in their order."""
    return list(Document.objects.filter(account=account, subject_id__in=subjects).without_words().order_by("pk"))


def month_name(key: str) -> str:
    """`November 2026`"""
    return date_format(date.fromisoformat(f"{key}-01"), "F Y")


def _months(account: Account) -> list[Month]:
    """The newest first."""
    rows = _dated(Document.objects.filter(account=account)).order_by("-month").values_list("month")
    return [Month(*row) for row in rows.annotate(made=Count("pk", filter=Q(status=Document.Status.MADE)))]


def _of(rows: DocumentQuerySet, span: str) -> DocumentQuerySet:
    """span: `2026` or `2026-11`, of the day that is printed; empty: all."""
    return rows.filter(data__made_on__startswith=span) if span else rows


def _dated(rows: DocumentQuerySet) -> QuerySet[Any]:
    on = KeyTextTransform("made_on", "data")
    return rows.without_words().annotate(on=on, month=Substr(on, 1, 7))


def _refusal(key: str, count: int, size: int) -> str:
    if not count:
        return _("There is no file of this month.")
    if count <= FILES_PER_ZIP and size <= BYTES_PER_ZIP:
        return ""
    words = _(
        "%(month)s has %(count)s files of %(size)d MB together. A zip holds up to %(files)d files and %(most)d MB: "
        "choose one kind of document."
    )
    return words % {
        "month": month_name(key),
        "count": f"{count:,}",
        "size": -(-size // 1_000_000),
        "files": FILES_PER_ZIP,
        "most": BYTES_PER_ZIP // 1_000_000,
    }
