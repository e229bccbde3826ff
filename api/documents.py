"""Papers: invoices, receipts and others as files that never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.accounts import account_of
from api.fields import Choice, Currency, DateField, StrictSerializer, Text, UtcDateTime, UuidField
from api.query import ListQuery
from api.views import CallerView, StaffView, operation
from core.http.downloads import document_answer
from core.models import Document, PlanPrice
from core.models.document import DocumentQuerySet
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests
from workflows.actions import find_plan, price_of
from workflows.actions.proformas import make_proforma
from workflows.documents.requests import make_statement


class DocumentOut(serializers.Serializer):
    """A paper. Its number and all that it says are fixed from the start, its bytes once it is `made`."""

    id = serializers.UUIDField()
    account = serializers.UUIDField(source="account_id")
    kind = serializers.ChoiceField(Document.Kind.choices)
    subject = serializers.UUIDField(
        source="subject_id", help_text="The invoice, payment, credit note or account that it tells of."
    )
    status = serializers.ChoiceField(Document.Status.choices, help_text="Only one that is `made` has a file.")
    number = serializers.CharField(allow_null=True, help_text="Null: its kind has no numbers.")
    language = serializers.CharField()
    format = serializers.ChoiceField(Document.Format.choices)
    sha256 = serializers.CharField(allow_null=True)
    size = serializers.IntegerField(allow_null=True, help_text="Bytes.")
    made_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()


class ListedDocumentOut(DocumentOut):
    """As staff see it: with why it waits, and its place in the chain of all that were made."""

    missing = serializers.ListField(
        child=serializers.CharField(), help_text="`seller`, or `letters: ` and those that no font has."
    )
    place = serializers.IntegerField(allow_null=True)
    previous_sha256 = serializers.CharField(allow_null=True, help_text="Of the one made before; empty: the first.")


class DocumentFilters(ListQuery):
    kind = Choice(Document.Kind.choices, required=False)
    subject = UuidField(required=False)
    account = UuidField(required=False)
    status = Choice(Document.Status.choices, required=False)


class Documents(CallerView, ReadOnlyModelViewSet):
    """GET documents/, documents/{id}/: invoices, receipts and other papers, those that wait to be made among them."""

    serializer_class = DocumentOut
    Filters = DocumentFilters

    def get_queryset(self) -> DocumentQuerySet:
        return _wanted(Document.objects.visible_to(self.caller), self.query)


class ListedDocuments(StaffView, ReadOnlyModelViewSet):
    """GET billing/admin/documents/: those of all customers, newest first."""

    permission = "core.review_payment"
    serializer_class = ListedDocumentOut
    Filters = DocumentFilters

    def get_queryset(self) -> DocumentQuerySet:
        return _wanted(Document.objects.visible_to(self.caller), self.query)


class MakeStatement(CallerView):
    """POST documents/statements/: what was billed, paid and given back, from a day to a day, both within.

    It is made in some seconds: then it has a file.
    """

    class In(StrictSerializer):
        currency = Currency(required=False, help_text="Without it the account's.")
        start = DateField()
        end = DateField(help_text="Not after today, nor a year after `start`.")

        EXAMPLE = {"currency": "USD", "start": "2026-01-01", "end": "2026-10-31"}

    @operation(DocumentOut, 201, raises=(NotFound, PermissionDenied, Conflict, TooManyRequests))
    def post(self, request: Request) -> Response:
        account = account_of(self.caller)
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        currency = data.get("currency", account.currency)
        made = make_statement(account, currency, data["start"], data["end"], by=self.caller)
        return Response(DocumentOut(made).data, status=201)


class MakeProforma(CallerView):
    """POST documents/proformas/: what the first invoice of a plan would say. Nothing is owed by it."""

    class In(StrictSerializer):
        plan = Text(max_length=30)
        currency = Currency(required=False, help_text="Without it the account's.")
        interval = Choice(PlanPrice.Interval.choices, required=False, help_text="Without it a month.")

        EXAMPLE = {"plan": "growth", "currency": "USD", "interval": "year"}

    @operation(DocumentOut, 201, raises=(NotFound, PermissionDenied, Conflict, TooManyRequests))
    def post(self, request: Request) -> Response:
        account = account_of(self.caller)
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        interval = data.get("interval", PlanPrice.Interval.MONTH)
        price = price_of(find_plan(data["plan"]), data.get("currency", account.currency), interval)
        return Response(DocumentOut(make_proforma(account, price, by=self.caller)).data, status=201)


class FileRenderer(BaseRenderer):
    """Lets a client accept PDF alone. Only problems are rendered, as JSON."""

    media_type = "application/pdf"
    format = "pdf"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        content: bytes = JSONRenderer().render(data)
        return content


class DocumentFile(CallerView):
    """GET documents/{id}/file/: its bytes, with their SHA-256 as ETag.

    They never change: with `If-None-Match` the answer is 304. One that waits to be made has none yet: 404.
    """

    renderer_classes = (JSONRenderer, FileRenderer)

    @operation({200: None, 304: None}, text_types=("application/pdf",))
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        made = Document.objects.visible_to(self.caller).made().without_words()
        return document_answer(request, get_object_or_404(made, pk=pk))


def _wanted(found: DocumentQuerySet, query: Mapping[str, Any]) -> DocumentQuerySet:
    names = {"subject": "subject_id", "account": "account_id"}
    return found.without_words().filter(**{names.get(name, name): value for name, value in query.items()})
