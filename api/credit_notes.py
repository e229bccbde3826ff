"""What of an invoice is demanded no more: written by one person, issued by another where money was paid."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.fields import Amount, Choice, EmptyBody, Money, StrictInteger, StrictSerializer, Text, UtcDateTime, UuidField
from api.query import ListQuery
from api.views import StaffView, operation
from core.models import CreditNote, Invoice
from core.models.credit_note import LONGEST_REASON
from core.problems import Conflict, NotFound, ValidationError, WrongState
from engine import perform
from workflows.actions.credit_notes import issue_credit_note, write_credit_note

WRITE, ISSUE = "core.write_credit_note", "core.issue_credit_note"
MOST_LINES = 100


class CreditNoteLineOut(serializers.Serializer):
    position = serializers.IntegerField(help_text="Of the line of the invoice, from 1.")
    description = serializers.CharField()
    net = Money("net")
    amount = Money("amount")
    tax_category = serializers.CharField()
    tax_rate = serializers.DecimalField(max_digits=6, decimal_places=3, help_text="Percent.")


class CreditNoteOut(serializers.Serializer):
    id = serializers.UUIDField()
    account = serializers.UUIDField(source="account_id")
    invoice = serializers.UUIDField(source="invoice_id")
    status = serializers.ChoiceField(CreditNote.Status.choices)
    currency = serializers.CharField()
    net = Money("net")
    tax = Money("tax")
    total = Money("total")
    lines = CreditNoteLineOut(many=True)
    reason = serializers.CharField()
    requested_by = serializers.UUIDField(source="requested_by_id")
    issued_by = serializers.UUIDField(source="issued_by_id", allow_null=True)
    issued_on = serializers.DateField(allow_null=True)
    to_balance = Money("to_balance", nullable=True, help_text="What was paid of it. Null: not applied.")
    ended_because = serializers.CharField()
    created_at = UtcDateTime()


class CreditNoteLineIn(StrictSerializer):
    position = StrictInteger(least=1, most=MOST_LINES)
    amount = Amount()


class CreditNoteIn(StrictSerializer):
    invoice = UuidField()
    amount = Amount(required=False, help_text="With tax; spread over all lines.")
    lines = CreditNoteLineIn(many=True, required=False, help_text="Amounts with tax. Either these or an amount.")
    reason = Text(max_length=LONGEST_REASON, help_text="The customer reads it.")

    EXAMPLE = {
        "invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10",
        "amount": "20.00",
        "reason": "Two days without service",
    }

    def validate_lines(self, lines: list[dict[str, object]]) -> list[dict[str, object]]:
        if len({line["position"] for line in lines}) < len(lines):
            raise serializers.ValidationError("Name each line of the invoice once.")
        return lines


class CreditNoteView(StaffView):
    """For who writes credit notes and who issues them."""

    permission = WRITE
    also = (ISSUE,)

    def note(self, pk: UUID) -> CreditNote:
        notes = CreditNote.objects.select_related("account", "invoice").prefetch_related("lines")
        return get_object_or_404(notes, pk=pk)


class CreditNotes(CreditNoteView, ReadOnlyModelViewSet):
    """billing/admin/credit-notes/: newest first."""

    serializer_class = CreditNoteOut
    In = CreditNoteIn

    class Filters(ListQuery):
        status = Choice(CreditNote.Status.choices, required=False)
        account = UuidField(required=False)
        invoice = UuidField(required=False)

    def get_queryset(self) -> QuerySet[CreditNote]:
        wanted = {name: value for name, value in self.query.items() if name in ("status", "account", "invoice")}
        return CreditNote.objects.filter(**wanted).prefetch_related("lines")

    @operation(CreditNoteOut, 201, request=CreditNoteIn, raises=(Conflict, WrongState))
    def create(self, request: Request) -> Response:
        form = CreditNoteIn(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        invoice = Invoice.objects.visible_to(self.caller).filter(pk=data["invoice"]).first()
        if invoice is None:
            raise ValidationError({"invoice": ["There is no such invoice."]})
        lines = data.get("lines")
        note = write_credit_note(
            invoice,
            amount=data.get("amount"),
            lines=None if lines is None else {line["position"]: line["amount"] for line in lines},
            reason=data["reason"],
            by=self.caller,
        )
        return Response(CreditNoteOut(self.note(note.pk)).data, status=201)


class IssueCreditNote(CreditNoteView):
    """POST billing/admin/credit-notes/{id}/issue/: by another person than who wrote it, if money was paid."""

    In = EmptyBody

    @operation(CreditNoteOut, raises=(NotFound, WrongState, Conflict))
    def post(self, request: Request, pk: UUID) -> Response:
        issue_credit_note(self.note(pk), by=self.caller)
        return Response(CreditNoteOut(self.note(pk)).data)


class CancelCreditNote(CreditNoteView):
    """POST billing/admin/credit-notes/{id}/cancel/: a draft that is not wanted."""

    class In(StrictSerializer):
        ended_because = Text(max_length=LONGEST_REASON)

        EXAMPLE = {"ended_because": "Written for another invoice"}

    @operation(CreditNoteOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        perform(self.note(pk).cancel, by=self.caller, because=form.validated_data["ended_because"])
        return Response(CreditNoteOut(self.note(pk)).data)
