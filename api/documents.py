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
from api.fields import Choice, Currency, DateField, EmptyBody, StrictSerializer, Text, UtcDateTime, UuidField
from api.query import ListQuery
from api.views import CallerView, StaffView, operation
from core.http.downloads import document_answer
from core.models import Account, Document, Invoice, PlanPrice, User
from core.models.document import DocumentQuerySet
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests, ValidationError, WrongState
from workflows.actions import find_plan, price_of
from workflows.actions.proformas import make_proforma
from workflows.documents.again import send_again
from workflows.documents.requests import make_reminder, make_statement

Kind = Document.Kind


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


class MakeDocumentIn(StrictSerializer):
    kind = Choice([(kind, kind.label) for kind in (Kind.STATEMENT, Kind.PROFORMA, Kind.REMINDER)])
    account = UuidField(required=False, help_text="Of a statement or a proforma invoice.")
    currency = Currency(required=False, help_text="Of these. Without it the account's.")
    start = DateField(required=False, help_text="Of a statement.")
    end = DateField(required=False, help_text="Of a statement: not after today, nor a year after `start`.")
    plan = Text(max_length=30, required=False, help_text="Of a proforma invoice.")
    interval = Choice(PlanPrice.Interval.choices, required=False, help_text="Of these. Without it a month.")
    invoice = UuidField(required=False, help_text="Of a reminder letter: an open one.")

    EXAMPLE = {"kind": "reminder", "invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}
    NEEDED = {
        Kind.STATEMENT: {"account", "start", "end"},
        Kind.PROFORMA: {"account", "plan"},
        Kind.REMINDER: {"invoice"},
    }
    TAKEN = {Kind.STATEMENT: {"currency"}, Kind.PROFORMA: {"currency", "interval"}, Kind.REMINDER: set[str]()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        kind, given = attrs["kind"], {*attrs} - {"kind"}
        missing, foreign = self.NEEDED[kind] - given, given - self.NEEDED[kind] - self.TAKEN[kind]
        errors = {name: ["This field is required."] for name in missing}
        errors |= {name: [f"Not for this kind: {kind}."] for name in foreign}
        if errors:
            raise ValidationError(dict(sorted(errors.items())))
        return attrs


class ListedDocuments(StaffView, ReadOnlyModelViewSet):
    """billing/admin/documents/: those of all customers, newest first; POST makes one, which is mailed to nobody."""

    permission = "core.review_payment"
    also = ("core.view_document",)
    serializer_class = ListedDocumentOut
    Filters = DocumentFilters
    In = MakeDocumentIn

    def get_queryset(self) -> DocumentQuerySet:
        return _wanted(Document.objects.visible_to(self.caller), self.query)

    @operation(ListedDocumentOut, 201, request=MakeDocumentIn, raises=(PermissionDenied, Conflict))
    def create(self, request: Request) -> Response:
        form = MakeDocumentIn(data=request.data)
        form.is_valid(raise_exception=True)
        made = _make(form.validated_data, self.caller)
        return Response(ListedDocumentOut(made).data, status=201)


class SendDocument(StaffView):
    """POST billing/admin/documents/{id}/send/: its file, by mail, to the account's billing address."""

    permission = "core.review_payment"
    In = EmptyBody

    @operation(ListedDocumentOut, 202, raises=(NotFound, PermissionDenied, Conflict, WrongState, TooManyRequests))
    def post(self, request: Request, pk: UUID) -> Response:
        document = get_object_or_404(Document.objects.visible_to(self.caller).select_related("account"), pk=pk)
        send_again(document, by=self.caller)
        return Response(ListedDocumentOut(document).data, status=202)


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
        made = make_proforma(account, _price(form.validated_data, account), by=self.caller)
        return Response(DocumentOut(made).data, status=201)


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


def _make(data: Mapping[str, Any], caller: User) -> Document:
    """Of whatever account."""
    if data["kind"] == Kind.REMINDER:
        invoice = Invoice.objects.visible_to(caller).select_related("account").filter(pk=data["invoice"]).first()
        if invoice is None:
            raise ValidationError({"invoice": ["There is no such invoice."]})
        return make_reminder(invoice, by=caller)
    account = Account.objects.visible_to(caller).filter(pk=data["account"]).first()
    if account is None:
        raise ValidationError({"account": ["There is no such account."]})
    if data["kind"] == Kind.PROFORMA:
        return make_proforma(account, _price(data, account), by=caller)
    return make_statement(account, data.get("currency", account.currency), data["start"], data["end"], by=caller)


def _price(data: Mapping[str, Any], account: Account) -> PlanPrice:
    interval = data.get("interval", PlanPrice.Interval.MONTH)
    return price_of(find_plan(data["plan"]), data.get("currency", account.currency), interval)


def _wanted(found: DocumentQuerySet, query: Mapping[str, Any]) -> DocumentQuerySet:
    names = {"subject": "subject_id", "account": "account_id"}
    return found.without_words().filter(**{names.get(name, name): value for name, value in query.items()})
