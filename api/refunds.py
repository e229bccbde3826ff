"""Money that goes back to customers: requested, approved by another person, paid by the operator's bank."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.fields import (
    Amount,
    Choice,
    Currency,
    DateField,
    EmptyBody,
    Money,
    StrictSerializer,
    Text,
    UtcDateTime,
    UuidField,
)
from api.query import ListQuery, Query
from api.statements import bank_account_of
from api.views import StaffView, operation
from core.models import Account, Refund
from core.problems import Conflict, NotFound, ValidationError, WrongState
from engine import perform
from workflows.refunds import Payee, payout_csv, payout_pain001, refunds_to_pay, request_refund

REQUEST, APPROVE = "core.request_refund", "core.approve_refund"


class RefundOut(serializers.Serializer):
    id = serializers.UUIDField()
    account = serializers.UUIDField(source="account_id")
    status = serializers.ChoiceField(Refund.Status.choices)
    amount = Money("amount")
    currency = serializers.CharField()
    reason = serializers.ChoiceField(Refund.Reason.choices)
    note = serializers.CharField()
    bank_account = serializers.UUIDField(source="bank_account_id", allow_null=True, help_text="Null: paid by hand.")
    payee_name = serializers.CharField(allow_null=True, help_text="Null: erased.")
    payee_account = serializers.CharField(allow_null=True)
    payee_bank = serializers.CharField(allow_null=True)
    reference = serializers.CharField(help_text="The bank sends it along (EndToEndId).")
    requested_by = serializers.UUIDField(source="requested_by_id")
    approved_by = serializers.UUIDField(source="approved_by_id", allow_null=True)
    sent_on = serializers.DateField(allow_null=True)
    ended_because = serializers.CharField()
    bank_line = serializers.UUIDField(source="line_id", allow_null=True, help_text="That shows it.")
    created_at = UtcDateTime()


class RefundIn(StrictSerializer):
    account = UuidField()
    amount = Amount()
    currency = Currency()
    reason = Choice(Refund.Reason.choices)
    payee_name = Text(max_length=70)
    payee_account = Text(max_length=42, required=False, allow_blank=True, default="")
    payee_bank = Text(max_length=20, required=False, allow_blank=True, default="")
    bank_account = UuidField(required=False, help_text="From which of your accounts; without it: by hand.")
    note = Text(max_length=500, required=False, allow_blank=True, default="")

    EXAMPLE = {
        "account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10",
        "amount": "40.00",
        "currency": "EUR",
        "reason": "overpaid",
        "payee_name": "Example Ltd",
        "payee_account": "DE02120300000000202051",
        "bank_account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d11",
    }


class RefundView(StaffView):
    """For who requests refunds and who approves them."""

    permission = REQUEST
    also = (APPROVE,)

    def refund(self, pk: UUID) -> Refund:
        return get_object_or_404(Refund.objects.select_related("account", "bank_account"), pk=pk)


class Refunds(RefundView, ReadOnlyModelViewSet):
    """billing/admin/refunds/: newest first."""

    serializer_class = RefundOut
    In = RefundIn

    class Filters(ListQuery):
        status = Choice(Refund.Status.choices, required=False)
        account = UuidField(required=False)
        bank_account = UuidField(required=False)

    def get_queryset(self) -> QuerySet[Refund]:
        wanted = {name: value for name, value in self.query.items() if name in ("status", "account", "bank_account")}
        return Refund.objects.filter(**wanted)

    @operation(RefundOut, 201, request=RefundIn, raises=(Conflict,))
    def create(self, request: Request) -> Response:
        form = RefundIn(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        account = Account.objects.visible_to(self.caller).filter(pk=data["account"]).first()
        if account is None:
            raise ValidationError({"account": ["There is no such account."]})
        refund = request_refund(
            account,
            amount=data["amount"],
            currency=data["currency"],
            payee=Payee(data["payee_name"], data["payee_account"], data["payee_bank"]),
            reason=data["reason"],
            note=data["note"],
            bank_account=bank_account_of(data.get("bank_account")),
            by=self.caller,
        )
        return Response(RefundOut(refund).data, status=201)


class ApproveRefund(RefundView):
    """POST billing/admin/refunds/{id}/approve/: by another person than who requested it."""

    In = EmptyBody

    @operation(RefundOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        refund = self.refund(pk)
        perform(refund.approve, by=self.caller)
        return Response(RefundOut(refund).data)


class SendRefund(RefundView):
    """POST billing/admin/refunds/{id}/sent/: the bank has the order."""

    class In(StrictSerializer):
        sent_on = DateField(required=False, help_text="Without it: today.")

        EXAMPLE = {"sent_on": "2026-11-27"}

    @operation(RefundOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        refund = self.refund(pk)
        perform(refund.mark_sent, by=self.caller, sent_on=form.validated_data.get("sent_on") or timezone.now().date())
        return Response(RefundOut(refund).data)


class SettleRefund(RefundView):
    """POST billing/admin/refunds/{id}/settled/: the money has arrived, and no statement will show it."""

    In = EmptyBody

    @operation(RefundOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        refund = self.refund(pk)
        perform(refund.settle, by=self.caller)
        return Response(RefundOut(refund).data)


class EndRefund(RefundView):
    """With a reason; the money is in the balance again."""

    class In(StrictSerializer):
        ended_because = Text(max_length=200)

        EXAMPLE = {"ended_because": "The bank returned it: account closed"}

    def end(self, request: Request, pk: UUID, verb: str) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        refund = self.refund(pk)
        perform(getattr(refund, verb), by=self.caller, because=form.validated_data["ended_because"])
        return Response(RefundOut(refund).data)


class FailRefund(EndRefund):
    """POST billing/admin/refunds/{id}/fail/: the bank did not pay it, or it came back."""

    @operation(RefundOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        return self.end(request, pk, "fail")


class CancelRefund(EndRefund):
    """POST billing/admin/refunds/{id}/cancel/: before it is sent."""

    @operation(RefundOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        return self.end(request, pk, "cancel")


class PayoutFile(RefundView):
    """GET billing/admin/refunds/payout-file/: what the bank is to pay, of approved refunds that are not sent.

    The same refunds give the same message id, so that a bank refuses a file that it has. Nothing changes: say which
    were sent.
    """

    class In(Query):
        format = Choice([("pain001", "pain.001.001.09"), ("csv", "CSV")], required=False, help_text="Without it: csv.")
        bank_account = UuidField(required=False, help_text="pain.001 is of one account.")

    @operation(None, text_types=("application/xml", "text/csv"), raises=(NotFound, Conflict))
    def get(self, request: Request) -> HttpResponse:
        wanted: dict[str, Any] = self.query
        account = bank_account_of(wanted.get("bank_account"))
        refunds = refunds_to_pay(account)
        if wanted.get("format", "csv") == "csv":
            return HttpResponse(payout_csv(refunds), content_type="text/csv; charset=utf-8")
        if account is None:
            raise ValidationError({"bank_account": ["Say which of your accounts pays."]})
        now = timezone.now()
        return HttpResponse(payout_pain001(refunds, account, on=now.date(), now=now), content_type="application/xml")
