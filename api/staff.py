"""What staff do with money and credits: the queue, many at once, receipts, reversals, documents, adjustments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.accounts import AccountOut, CreditEntryOut
from api.door import CallerView
from api.fields import Amount, Country, Currency, Day, Key, StrictSerializer, Text, fits
from api.invoices import InvoiceOut
from api.payments import PaymentOut
from api.plans import find_method
from api.problems import body
from api.query import ListQuery
from core.models import Account, Invoice, Payment
from core.models.payment import PaymentQuerySet
from core.problems import PermissionDenied, Problem, ValidationError
from workflows.actions import decide_many, record_payment
from workflows.engine import perform
from workflows.ledger import adjust

MOST_AT_ONCE = 500


class Queue(CallerView, ReadOnlyModelViewSet):
    """GET billing/admin/payments/: what was claimed, newest first; filters by status, country, method, age, amount."""

    serializer_class = PaymentOut

    class In(ListQuery):
        status = serializers.ChoiceField(Payment.Status.choices, required=False)
        country = Country(required=False)
        method = Text(required=False, max_length=30)
        older_than_days = serializers.IntegerField(required=False, min_value=0, max_value=3650)
        min_amount = Amount(required=False)
        max_amount = Amount(required=False)
        search = Text(required=False, max_length=100)

    def get_queryset(self) -> PaymentQuerySet:
        may(self, "core.review_payment")
        wanted = self.In.of(self.request)
        found = Payment.objects.select_related("invoice", "method")
        filters = {
            "status": "status",
            "country": "account__country",
            "method": "method__code",
            "min_amount": "amount__gte",
            "max_amount": "amount__lte",
        }
        found = found.filter(**{column: wanted[name] for name, column in filters.items() if name in wanted})
        if "older_than_days" in wanted:
            found = found.filter(created_at__lt=timezone.now() - timedelta(days=wanted["older_than_days"]))
        if "search" in wanted:
            words = wanted["search"]
            found = found.filter(
                Q(reference__icontains=words)
                | Q(invoice__number__iexact=words)
                | Q(account__name__icontains=words)
                | Q(payer_name__icontains=words)
            )
        return found


class BulkDecision(CallerView):
    """POST billing/admin/payments/bulk-approve/ and bulk-reject/: one result for each id."""

    verb = "approve"

    class In(StrictSerializer):
        ids = serializers.ListField(child=Key(), min_length=1, max_length=MOST_AT_ONCE)
        admin_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        reason_code = serializers.ChoiceField(Payment.Reason.choices, required=False)

    def post(self, request: Request) -> Response:
        may(self, "core.approve_payment")
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        inputs = {"admin_notes": form.validated_data["admin_notes"]}
        if self.verb == "reject":
            inputs["reason_code"] = form.validated_data.get("reason_code", Payment.Reason.OTHER)
        elif "reason_code" in form.validated_data:
            raise ValidationError({"reason_code": ["An approval needs no reason."]})
        results = [
            {"id": key, "problem": body(outcome, request)}
            if isinstance(outcome, Problem)
            else {"id": key, "status": outcome.status}
            for key, outcome in decide_many(form.validated_data["ids"], self.verb, by=self.caller, **inputs)
        ]
        return Response({"results": results})


class RecordPayment(CallerView):
    """POST billing/admin/payments/record/: staff saw money arrive; somebody else of them approves it."""

    class In(StrictSerializer):
        invoice_id = Key()
        payment_method = Text(max_length=30)
        amount = Amount()
        currency = Currency(required=False)
        manual_reference = Text(max_length=140)
        manual_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        paid_on = Day(required=False)
        payer_name = Text(default="", max_length=140, allow_blank=True)

    def post(self, request: Request) -> Response:
        may(self, "core.review_payment")
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        invoice = get_object_or_404(Invoice.objects.select_related("account"), pk=data["invoice_id"])
        currency = data.get("currency", invoice.currency)
        if not fits(data["amount"], currency):
            raise ValidationError({"amount": [f"{currency} has fewer digits after the point."]})
        payment = record_payment(
            invoice=invoice,
            method=find_method(data["payment_method"], invoice.account.country),
            amount=data["amount"],
            currency=currency,
            reference=data["manual_reference"],
            notes=data["manual_notes"],
            paid_on=data.get("paid_on"),
            payer_name=data["payer_name"],
            by=self.caller,
        )
        return Response(PaymentOut(payment, context={"request": request}).data, status=201)


class ReversePayment(CallerView):
    """POST billing/admin/payments/{id}/reverse/: the money went back."""

    class In(StrictSerializer):
        reason = Text(max_length=500)

    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        payment = get_object_or_404(Payment.objects.visible_to(self.caller), pk=pk)
        perform(payment.reverse, by=self.caller, reason_given=form.validated_data["reason"])
        return Response(PaymentOut(payment, context={"request": request}).data, status=202)


class CloseInvoice(CallerView):
    """POST billing/admin/invoices/{id}/void/ and write-off/"""

    verb = "void"

    class In(StrictSerializer):
        reason = Text(default="", max_length=500, allow_blank=True)

    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        invoice = get_object_or_404(Invoice.objects.visible_to(self.caller), pk=pk)
        perform(getattr(invoice, self.verb), by=self.caller, reason=form.validated_data["reason"])
        return Response(InvoiceOut(invoice, context={"request": request}).data)


class AdjustCredits(CallerView):
    """POST billing/admin/credits/adjust/: give or take credits by hand, with a reason."""

    class In(StrictSerializer):
        account_id = Key()
        amount = serializers.IntegerField(min_value=-1_000_000_000, max_value=1_000_000_000)
        reason = Text(max_length=200)

    def post(self, request: Request) -> Response:
        may(self, "core.adjust_credits")
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        if data["amount"] == 0:
            raise ValidationError({"amount": ["Nothing would change."]})
        account = get_object_or_404(Account, pk=data["account_id"])
        entry = adjust(account, data["amount"], reason=data["reason"], by=self.caller)
        return Response(CreditEntryOut(entry).data, status=201)


class Accounts(CallerView, ReadOnlyModelViewSet):
    """GET billing/admin/accounts/"""

    serializer_class = AccountOut

    class In(ListQuery):
        status = serializers.ChoiceField(Account.Status.choices, required=False)
        search = Text(required=False, max_length=100)

    def get_queryset(self) -> Any:
        may(self, "core.review_payment")
        wanted = self.In.of(self.request)
        found = Account.objects.all()
        if "status" in wanted:
            found = found.filter(status=wanted["status"])
        if "search" in wanted:
            words = wanted["search"]
            found = found.filter(Q(name__icontains=words) | Q(billing_email__iexact=words))
        return found


def may(view: CallerView, permission: str) -> None:
    """For routes of staff alone. Raises PermissionDenied; money asks for the permission itself, superuser or not."""
    if not view.caller.is_granted(permission):
        raise PermissionDenied("You are not allowed to do this.")
