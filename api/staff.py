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
from api.fields import (
    Amount,
    Choice,
    Country,
    Currency,
    DateField,
    StrictBoolean,
    StrictInteger,
    StrictSerializer,
    Text,
    UuidField,
    in_public_names,
)
from api.invoices import InvoiceOut
from api.payments import CLAIM_FIELDS, PaymentOut, WithEvidence
from api.problems import ProblemOut, body
from api.query import ListQuery, Number
from api.views import StaffView, operation
from core.models import Account, Invoice, Payment
from core.models.invoice import names_invoice
from core.models.payment import PaymentQuerySet, normal_reference
from core.problems import DuplicateClaim, InsufficientCredits, NotFound, Problem, ValidationError, WrongState
from engine import perform
from workflows.actions import close_account, decide_many, find_method, record_payment, reverse_payment, void_invoice
from workflows.actions.credits import adjust

MAX_BULK_IDS = 500


class BulkResultOut(serializers.Serializer):
    """What became of one id: its `status` now, or the `problem` that kept it as it is."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(Payment.Status.choices, required=False)
    problem = ProblemOut(required=False)


class BulkOut(serializers.Serializer):
    results = BulkResultOut(many=True)


class Queue(StaffView, WithEvidence, ReadOnlyModelViewSet):
    """GET billing/admin/payments/: what was claimed, newest first."""

    permission = "core.review_payment"

    class Filters(ListQuery):
        status = Choice(Payment.Status.choices, required=False)
        country = Country(required=False)
        method = Text(required=False, max_length=30)
        age = Number(least=0, most=3650, required=False, help_text="Waiting for at least so many days.")
        amount = Amount(required=False)
        min_amount = Amount(required=False)
        max_amount = Amount(required=False)
        search = Text(required=False, max_length=100)

    def get_queryset(self) -> PaymentQuerySet:
        wanted = self.query
        found = Payment.objects.visible_to(self.caller).as_shown()
        filters = {
            "status": "status",
            "country": "account__country",
            "method": "method__code",
            "amount": "amount",
            "min_amount": "amount__gte",
            "max_amount": "amount__lte",
        }
        found = found.filter(**{column: wanted[name] for name, column in filters.items() if name in wanted})
        if "age" in wanted:
            found = found.filter(created_at__lt=timezone.now() - timedelta(days=wanted["age"]))
        if "search" in wanted:
            words = wanted["search"]
            mentions = (
                Q(reference__icontains=words)
                | names_invoice(words, path="invoice__")
                | Q(account__name__icontains=words)
                | Q(payer_name__icontains=words)
            )
            key = normal_reference(words)
            found = found.filter(mentions | Q(reference_key__contains=key) if key else mentions)
        return found


class BulkDecision(StaffView):
    """POST billing/admin/payments/bulk-approve/ and bulk-reject/: decide on many, one result for each id."""

    verb = "approve"
    permission = "core.approve_payment"

    class In(StrictSerializer):
        ids = serializers.ListField(child=UuidField(), min_length=1, max_length=MAX_BULK_IDS)
        admin_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        reason_code = Choice(Payment.Reason.choices, required=False)

        EXAMPLE = {"ids": ["01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"], "admin_notes": "Statement of 3 May"}

    @operation(BulkOut)
    def post(self, request: Request) -> Response:
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


class RecordPayment(StaffView):
    """POST billing/admin/payments/record/: staff saw money arrive; somebody else of them approves it."""

    permission = "core.review_payment"

    class In(StrictSerializer):
        invoice_id = UuidField()
        payment_method = Text(max_length=30)
        amount = Amount()
        currency = Currency(required=False)
        manual_reference = Text(max_length=140)
        manual_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        paid_on = DateField(required=False)
        payer_name = Text(default="", max_length=140, allow_blank=True)

    @operation(PaymentOut, 201, raises=(NotFound, DuplicateClaim))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        seen = Invoice.objects.visible_to(self.caller).select_related("account")
        invoice = get_object_or_404(seen, pk=data["invoice_id"])
        with in_public_names(CLAIM_FIELDS):
            payment = record_payment(
                invoice=invoice,
                method=find_method(data["payment_method"], invoice.account.country),
                amount=data["amount"],
                currency=data.get("currency", invoice.currency),
                reference=data["manual_reference"],
                notes=data["manual_notes"],
                paid_on=data.get("paid_on"),
                payer_name=data["payer_name"],
                by=self.caller,
            )
        return Response(PaymentOut(payment, context={"request": request}).data, status=201)


class ReversePayment(StaffView):
    """POST billing/admin/payments/{id}/reverse/: the money went back, or a part of it."""

    permission = "core.reverse_payment"
    is_for_staff_alone = False

    class In(StrictSerializer):
        reason = Text(max_length=500)
        amount = Amount(required=False, help_text="How much went back; none: all that is left of the payment.")

        EXAMPLE = {"reason": "Recalled by the sender's bank"}

    @operation(PaymentOut, 202, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        payment = get_object_or_404(Payment.objects.visible_to(self.caller).as_shown(), pk=pk)
        with in_public_names({"reason_given": "reason"}):
            data = form.validated_data
            reverse_payment(payment, by=self.caller, reason_given=data["reason"], amount=data.get("amount"))
        return Response(PaymentOut(payment, context={"request": request}).data, status=202)


class CloseInvoice(StaffView):
    """Nobody need pay this invoice any more."""

    permission = "core.void_invoice"
    is_for_staff_alone = False

    class In(StrictSerializer):
        reason = Text(default="", max_length=500, allow_blank=True)

    def close(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        invoice = get_object_or_404(Invoice.objects.visible_to(self.caller), pk=pk)
        closed = self.close_invoice(invoice, **form.validated_data)
        return Response(InvoiceOut(closed, context={"request": request}).data)

    def close_invoice(self, invoice: Invoice, **inputs: Any) -> Invoice:
        raise NotImplementedError


class VoidInvoice(CloseInvoice):
    """POST billing/admin/invoices/{id}/void/: it should not have been issued."""

    class In(CloseInvoice.In):
        to_balance = StrictBoolean(
            default=False,
            help_text="What was paid of it in part goes to the balance first, unless what it is for was given.",
        )

    @operation(InvoiceOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        return self.close(request, pk)

    def close_invoice(self, invoice: Invoice, **inputs: Any) -> Invoice:
        return void_invoice(invoice, by=self.caller, **inputs)


class WriteOffInvoice(CloseInvoice):
    """POST billing/admin/invoices/{id}/write-off/: nobody expects this money any more."""

    @operation(InvoiceOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        return self.close(request, pk)

    def close_invoice(self, invoice: Invoice, **inputs: Any) -> Invoice:
        perform(invoice.write_off, by=self.caller, **inputs)
        return invoice


class AdjustCredits(StaffView):
    """POST billing/admin/credits/adjust/: give or take credits by hand, with a reason."""

    permission = "core.adjust_credits"

    class In(StrictSerializer):
        account_id = UuidField()
        amount = StrictInteger(least=-1_000_000_000, most=1_000_000_000, help_text="Not 0.")
        reason = Text(max_length=200)

        EXAMPLE = {"account_id": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": 50, "reason": "Lost an import"}

    @operation(CreditEntryOut, 201, raises=(NotFound, InsufficientCredits))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        account = get_object_or_404(Account.objects.visible_to(self.caller), pk=data["account_id"])
        entry = adjust(account, data["amount"], reason=data["reason"], by=self.caller)
        return Response(CreditEntryOut(entry).data, status=201)


class CloseAccount(StaffView):
    """POST billing/admin/accounts/{id}/close/: close a customer's account for good, with a reason."""

    permission = "core.manage_accounts"

    class In(StrictSerializer):
        reason = Text(max_length=500)

        EXAMPLE = {"reason": "Asked for by letter of 3 May"}

    @operation(AccountOut, raises=(WrongState,))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        account = get_object_or_404(Account.objects.visible_to(self.caller), pk=pk)
        return Response(AccountOut(close_account(account, by=self.caller, **form.validated_data)).data)


class Accounts(StaffView, ReadOnlyModelViewSet):
    """GET billing/admin/accounts/: the customers, newest first."""

    serializer_class = AccountOut
    permission = "core.review_payment"

    class Filters(ListQuery):
        status = Choice(Account.Status.choices, required=False)
        search = Text(required=False, max_length=100)

    def get_queryset(self) -> Any:
        wanted = self.query
        found = Account.objects.visible_to(self.caller)
        if "status" in wanted:
            found = found.filter(status=wanted["status"])
        if "search" in wanted:
            words = wanted["search"]
            found = found.filter(Q(name__icontains=words) | Q(billing_email__iexact=words))
        return found
