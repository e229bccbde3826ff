from __future__ import annotations

import logging
import re
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.fields import (
    Amount,
    Choice,
    Currency,
    DateField,
    Money,
    ProofUrl,
    StrictSerializer,
    Text,
    UtcDateTime,
    UuidField,
    in_public_names,
)
from api.query import ListQuery
from api.views import CallerView, StaffView, operation
from core.models import Invoice, Payment, User
from core.models.payment import PaymentQuerySet, PlannedAllocation
from core.problems import DuplicateClaim, NotFound, PermissionDenied, TooManyRequests, WrongState
from engine import available, perform, wait_for_effects
from engine.models import Transition
from workflows.actions import approve_payment, claim_payment, find_method
from workflows.bank.evidence import STATES, Evidence, bank_evidence, decided_evidence

log = logging.getLogger(__name__)

# API name -> our column.
CLAIM_FIELDS = {"reference": "manual_reference", "notes": "manual_notes"}
# RFC 7240 2: preference = token [ BWS "=" BWS word ]
WAIT = re.compile(
    r'(?:^|[\s,;])wait[ \t]*=[ \t]*(?:"(?P<quoted>[0-9]{1,9})"|(?P<plain>[0-9]{1,9}))(?=[\s,;]|$)',
    re.ASCII | re.IGNORECASE,
)


class PaymentOut(serializers.Serializer):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    invoice_id = serializers.UUIDField(allow_null=True, help_text="Null: on account, all of it went to the balance.")
    invoice_number = serializers.CharField(source="invoice.number", allow_null=True)
    payment_method = serializers.CharField(source="method.code")
    status = serializers.ChoiceField(Payment.Status.choices)
    currency = serializers.CharField()
    amount = Money("amount")
    amount_received = Money("received", nullable=True)
    amount_returned = Money("returned", help_text="Taken back by the bank, in parts.")
    value_date = serializers.DateField(allow_null=True)
    manual_reference = serializers.CharField(source="reference")
    manual_notes = serializers.CharField(source="notes")
    proof_url = serializers.CharField()
    paid_on = serializers.DateField(allow_null=True)
    payer_name = serializers.CharField()
    reason_code = serializers.ChoiceField(Payment.Reason.choices, allow_blank=True)
    retry_of = serializers.UUIDField(source="retry_of_id", allow_null=True)
    further = serializers.BooleanField(
        source="is_further", help_text="Whether another claim of its invoice was in review when this one came."
    )
    by_link = serializers.BooleanField(
        source="is_by_link",
        help_text="Whether it was claimed by a link to the invoice's hosted page, without a log-in.",
    )
    link_recipient = serializers.CharField(
        source="claimed_by_link.recipient",
        default=None,
        allow_null=True,
        help_text="To whom that link was given; empty: not named. Null without a link.",
    )
    created_at = UtcDateTime()
    admin_notes = serializers.CharField(required=False, help_text="For staff, and for the customer of a rejected one.")
    has_unusual_reference = serializers.BooleanField(required=False, help_text="For staff.")
    bank_evidence = serializers.SerializerMethodField(
        help_text="What the imported bank statements say of it. null: nothing was looked up, as in answers to a POST; "
        "for customers also while no line was matched with it."
    )
    available_transitions = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(STATES, allow_null=True))
    def get_bank_evidence(self, payment: Payment) -> str | None:
        found = self.context.get("evidence", {}).get(payment.pk)
        return found.state if found else None

    def get_available_transitions(self, payment: Payment) -> list[str]:
        return available(payment, self._reader)

    def to_representation(self, payment: Payment) -> dict[str, Any]:
        row = super().to_representation(payment)
        # Notes on an approval are internal; notes on a rejection are for the customer.
        if payment.status != Payment.Status.FAILED and not self._is_for_staff:
            del row["admin_notes"]
        if not self._is_for_staff:
            del row["has_unusual_reference"]
        return row

    @cached_property
    def _reader(self) -> User:
        user: User = self.context["request"].user
        return user

    @cached_property
    def _is_for_staff(self) -> bool:
        return self._reader.can_read_all_accounts()


class TransitionOut(serializers.Serializer):
    id = serializers.UUIDField()
    machine = serializers.CharField()
    object_id = serializers.UUIDField()
    seq = serializers.IntegerField()
    name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    actor_id = serializers.UUIDField(allow_null=True)
    cause_id = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()


class AllocationIn(StrictSerializer):
    invoice_id = UuidField()
    amount = Amount()


class ConfirmPayment(CallerView):
    """POST billing/admin/payments/confirm/: the customer says "I have paid"."""

    class In(StrictSerializer):
        invoice_id = UuidField()
        payment_method = Text(max_length=30)
        amount = Amount()
        currency = Currency(required=False)
        manual_reference = Text(default="", max_length=140, allow_blank=True)
        manual_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        proof_url = ProofUrl(default="", max_length=1000, allow_blank=True)
        paid_on = DateField(required=False)
        payer_name = Text(default="", max_length=140, allow_blank=True)

        EXAMPLE = {
            "invoice_id": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10",
            "payment_method": "us_bank",
            "amount": "89.00",
            "manual_reference": "TRACE 20260503-17",
            "paid_on": "2026-05-03",
        }

    @operation(PaymentOut, 201, raises=(NotFound, PermissionDenied, WrongState, DuplicateClaim, TooManyRequests))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        invoice = get_object_or_404(Invoice.objects.visible_to(self.caller).as_claimed(), pk=data["invoice_id"])
        method = find_method(data["payment_method"], invoice.account.country)
        with in_public_names(CLAIM_FIELDS):
            payment = claim_payment(
                invoice=invoice,
                method=method,
                amount=data["amount"],
                currency=data.get("currency", invoice.currency),
                reference=data["manual_reference"],
                notes=data["manual_notes"],
                proof_url=data["proof_url"],
                paid_on=data.get("paid_on"),
                payer_name=data["payer_name"],
                by=self.caller,
            )
        return Response(PaymentOut(payment, context={"request": request}).data, status=201)


class ApprovePayment(StaffView):
    """POST billing/admin/payments/{id}/approve/: staff countersign a customer's claim.

    202: decided, what follows is under way. 200 under `Prefer: wait=N`: settled.
    """

    permission = "core.approve_payment"
    is_for_staff_alone = False

    class In(StrictSerializer):
        admin_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        amount_received = Amount(required=False)
        value_date = DateField(required=False)
        allocations = serializers.ListField(child=AllocationIn(), required=False, max_length=50)

        EXAMPLE = {"admin_notes": "On the statement of 3 May", "amount_received": "89.00", "value_date": "2026-05-03"}

    @operation({202: PaymentOut, 200: PaymentOut}, raises=(PermissionDenied, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        payment = get_object_or_404(Payment.objects.visible_to(self.caller).as_shown(), pk=pk)
        with in_public_names({"received": "amount_received"}):
            decision = approve_payment(
                payment,
                by=self.caller,
                received=data.get("amount_received", payment.amount),
                admin_notes=data["admin_notes"],
                value_date=data.get("value_date"),
                allocations=[PlannedAllocation(**line) for line in data.get("allocations", [])],
            )
        decided = Response(PaymentOut(payment, context={"request": request}).data, status=202)
        if wait := preferred_wait(request):
            self.answer_later = lambda: self._when_settled(payment, decision, wait) or decided
        return decided

    def _when_settled(self, payment: Payment, decision: Transition, wait: int) -> Response | None:
        """None if the database is gone meanwhile: the decision is committed."""
        try:
            is_settled = wait_for_effects(decision, timeout=wait)
            payment.refresh_from_db()
            row = PaymentOut(payment, context={"request": self.request}).data
        except (OperationalError, InterfaceError) as error:
            log.warning("The database is not there to wait for: %s", error)
            return None
        return Response(row, status=200 if is_settled else 202)


class RejectPayment(StaffView):
    """POST billing/admin/payments/{id}/reject/: staff refuse a claim; the invoice stays open."""

    permission = "core.approve_payment"
    is_for_staff_alone = False

    class In(StrictSerializer):
        admin_notes = Text(default="", max_length=2000, allow_blank=True, lines=True)
        reason_code = Choice(Payment.Reason.choices, default=Payment.Reason.OTHER)

        EXAMPLE = {"admin_notes": "Nothing arrived until 10 May.", "reason_code": "not_received"}

    @operation(PaymentOut, raises=(PermissionDenied, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        payment = get_object_or_404(Payment.objects.visible_to(self.caller).as_shown(), pk=pk)
        perform(payment.reject, by=self.caller, **form.validated_data)
        return Response(PaymentOut(payment, context={"request": request}).data)


class WithEvidence(CallerView, GenericAPIView):
    """Rows of payments with what the bank says of them, looked up for a page at once."""

    serializer_class = PaymentOut

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if rows := args[0] if args and kwargs.get("many") else args:  # none: the schema is made
            kwargs["context"] = {**self.get_serializer_context(), "evidence": self._look_up([row.pk for row in rows])}
        return super().get_serializer(*args, **kwargs)

    def _look_up(self, payments: list[UUID]) -> dict[UUID, Evidence]:
        # A suggestion would tell a customer whether a guessed reference is on the statement.
        return (bank_evidence if self.caller.can_read_all_accounts() else decided_evidence)(payments)


class Payments(WithEvidence, ReadOnlyModelViewSet):
    """GET billing/payments/, billing/payments/{id}/: what was claimed, and what became of it."""

    class Filters(ListQuery):
        status = Choice(Payment.Status.choices, required=False)

    def get_queryset(self) -> PaymentQuerySet:
        return Payment.objects.visible_to(self.caller).filter(**self.query).as_shown()


class WithdrawPayment(CallerView):
    """POST billing/payments/{id}/withdraw/: the customer takes the claim back before anybody has decided."""

    @operation(PaymentOut, raises=(PermissionDenied, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        payment = get_object_or_404(Payment.objects.visible_to(self.caller).as_shown(), pk=pk)
        perform(payment.withdraw, by=self.caller)
        return Response(PaymentOut(payment, context={"request": request}).data)


class PaymentTransitions(CallerView):
    """GET billing/payments/{id}/transitions/: all that followed from this payment, oldest first."""

    @operation([TransitionOut])
    def get(self, request: Request, pk: UUID) -> Response:
        payment = get_object_or_404(Payment.objects.visible_to(self.caller), pk=pk)
        own = Transition.objects.filter(machine="payment", object_id=payment.pk)
        rows = (own | Transition.objects.filter(cause__in=own)).order_by("at", "id")
        return Response({"results": TransitionOut(rows, many=True).data, "next": None, "previous": None})


def preferred_wait(request: Request) -> int:
    """At most 30 seconds; 0 without one (RFC 7240)."""
    found = WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found["quoted"] or found["plain"]), 30) if found else 0
