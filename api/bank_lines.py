"""Lines of bank statements: what they may pay, and what is decided on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.fields import Amount, Choice, Money, MoneyText, StrictBoolean, StrictSerializer, Text, UuidField
from api.query import ListQuery
from api.views import StaffView, operation
from core.models import Account, BankAccount, Invoice, LinePayment, Payment, Refund, StatementLine, User
from core.models.statement_line import StatementLineQuerySet
from core.money import money_text
from core.problems import Conflict, DuplicateClaim, NotFound, ValidationError, WrongState
from engine import perform
from workflows.bank import Candidate, CandidateFinder, Part, match_line, return_line, settle_refunds, unmatch_line
from workflows.bank.matching import CLASSES

PARTS_MOST = 20


class SuggestionOut(serializers.Serializer):
    payment = serializers.UUIDField(allow_null=True, help_text="A claim that awaits a decision.")
    invoice = serializers.UUIDField()
    invoice_number = serializers.CharField()
    account = serializers.UUIDField()
    amount = MoneyText(help_text="What is expected.")
    reasons = serializers.ListField(child=serializers.CharField())
    against = serializers.ListField(child=serializers.CharField())
    rule = serializers.CharField(allow_blank=True, help_text="That decides by itself where the account is automatic.")

    def get_fields(self) -> dict[str, Any]:
        """`class` is a word of Python's."""
        words = "`auto`: a rule holds. `suggest`: a person decides."
        return {**super().get_fields(), "class": serializers.ChoiceField(CLASSES, help_text=words)}


class LinePaymentOut(serializers.Serializer):
    payment = serializers.UUIDField()
    amount = MoneyText()
    rule = serializers.CharField(allow_blank=True, help_text="Empty: a person decided.")
    reasons = serializers.ListField(child=serializers.CharField())


class BankLineOut(serializers.Serializer):
    id = serializers.UUIDField()
    statement = serializers.UUIDField(source="statement.file_id", help_text="The file that brought it.")
    row = serializers.IntegerField(help_text="In that file, from 1.")
    status = serializers.ChoiceField(StatementLine.Status.choices)
    bank_account = serializers.UUIDField(source="bank_account_id")
    booked_on = serializers.DateField()
    value_on = serializers.DateField(allow_null=True)
    amount = Money("amount", help_text="Signed: money in is positive.")
    currency = serializers.CharField()
    payer_name = serializers.CharField(help_text="The other side, also of money that went out.")
    payer_account = serializers.CharField()
    text = serializers.CharField()
    references = serializers.ListField(child=serializers.CharField())
    bank_id = serializers.CharField()
    is_return = serializers.BooleanField(help_text="The bank marks it as money that comes back.")
    return_reason = serializers.CharField()
    ignored_because = serializers.CharField()
    open_amount = serializers.SerializerMethodField(help_text="What no payment or refund stands for yet.")
    suggestions = serializers.SerializerMethodField()
    payments = serializers.SerializerMethodField()
    refunds = serializers.SerializerMethodField(help_text="Whose money this line shows leaving.")

    def get_open_amount(self, line: StatementLine) -> str:
        used = sum((part.amount for part in line.payments.all()), Decimal(0))
        used += sum((refund.amount for refund in line.refunds.all()), Decimal(0))
        return money_text(abs(line.amount) - used, line.currency)

    @extend_schema_field(SuggestionOut(many=True))
    def get_suggestions(self, line: StatementLine) -> list[dict[str, Any]]:
        found = self.context["candidates"].get(line.pk, [])
        return [_suggestion(candidate, line.currency) for candidate in found]

    @extend_schema_field(LinePaymentOut(many=True))
    def get_payments(self, line: StatementLine) -> list[dict[str, Any]]:
        return [
            {
                "payment": str(part.payment_id),
                "amount": money_text(part.amount, line.currency),
                "rule": part.rule,
                "reasons": part.reasons,
            }
            for part in line.payments.all()
        ]

    def get_refunds(self, line: StatementLine) -> list[str]:
        return [str(refund.pk) for refund in line.refunds.all()]


def _suggestion(candidate: Candidate, currency: str) -> dict[str, Any]:
    return {
        "payment": candidate.claim and str(candidate.claim.pk),
        "invoice": str(candidate.invoice.pk),
        "invoice_number": candidate.invoice.number,
        "account": str(candidate.account_id),
        "amount": money_text(candidate.amount, currency),
        "reasons": candidate.reasons,
        "against": candidate.against,
        "rule": candidate.rule,
        "class": candidate.kind,
    }


def lines_out(lines: list[StatementLine]) -> list[dict[str, Any]]:
    """As JSON, with candidates as they are now: invoices are paid and claimed after a statement came."""
    undecided: dict[BankAccount, list[StatementLine]] = defaultdict(list)
    for line in lines:
        if line.status in StatementLine.UNDECIDED:
            undecided[line.bank_account].append(line)
    candidates = {
        line.pk: found
        for account, some in undecided.items()
        for line, found in zip(some, CandidateFinder(account).find(some), strict=True)
    }
    return list(BankLineOut(lines, many=True, context={"candidates": candidates}).data)


class BankLines(StaffView, ReadOnlyModelViewSet):
    """GET billing/admin/bank-lines/: booked lines, newest first."""

    serializer_class = BankLineOut
    permission = "core.match_lines"

    class Filters(ListQuery):
        statement = UuidField(required=False)
        status = Choice(StatementLine.Status.choices, required=False)
        bank_account = UuidField(required=False)
        q = Text(required=False, max_length=100)
        amount_min = Amount(required=False)
        amount_max = Amount(required=False)

    def get_queryset(self) -> StatementLineQuerySet:
        wanted = self.query
        columns = {
            "statement": "statement__file",
            "status": "status",
            "bank_account": "bank_account",
            "amount_min": "amount__gte",
            "amount_max": "amount__lte",
        }
        found = _shown().filter(**{column: wanted[name] for name, column in columns.items() if name in wanted})
        if "q" in wanted:
            found = found.mentioning(wanted["q"])
        return found

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(lines_out(list(page or [])))

    @operation(BankLineOut, raises=(NotFound,))
    def retrieve(self, request: Request, pk: UUID) -> Response:
        return Response(lines_out([get_object_or_404(_shown(), pk=pk)])[0])


def _shown() -> StatementLineQuerySet:
    parts = LinePayment.objects.live().order_by("id")
    return StatementLine.objects.prefetch_related(
        "statement", "bank_account", Prefetch("payments", parts), Prefetch("refunds", Refund.objects.order_by("id"))
    )


class DecideLine(StaffView):
    """Decides on one line; the answer is the line."""

    permission = "core.match_lines"

    def line(self, pk: UUID) -> StatementLine:
        return get_object_or_404(StatementLine.objects.select_related("bank_account"), pk=pk)

    def answer(self, pk: UUID) -> Response:
        return Response(lines_out([_shown().get(pk=pk)])[0])


class PartIn(StrictSerializer):
    """Of one line: a claimed payment, an invoice that nobody claimed, or an account whose balance gets it.

    Of money that went out: a refund.
    """

    payment = UuidField(required=False)
    invoice = UuidField(required=False)
    account = UuidField(required=False)
    refund = UuidField(required=False)
    amount = Amount()
    wrong_currency = StrictBoolean(
        default=False,
        help_text="The payment is a claim in another currency: it is rejected, and this goes to its account's balance.",
    )


# What a part may name, as the caller sees it.
PAYABLE: dict[str, Callable[[User], QuerySet[Any]]] = {
    "payment": Payment.objects.visible_to,
    "invoice": Invoice.objects.visible_to,
    "account": Account.objects.visible_to,
}


class MatchLine(DecideLine):
    """POST billing/admin/bank-lines/{id}/match/: what this line pays is approved."""

    class In(StrictSerializer):
        payments = serializers.ListField(child=PartIn(), min_length=1, max_length=PARTS_MOST)

        EXAMPLE = {"payments": [{"payment": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "89.00"}]}

    @operation(BankLineOut, raises=(NotFound, WrongState, Conflict, DuplicateClaim))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        line = self.line(pk)
        given = form.validated_data["payments"]
        if any("refund" in part for part in given):
            settle_refunds(line, [self._refund(part) for part in given], by=self.caller)
        else:
            match_line(line, [self._part(part) for part in given], by=self.caller)
        return self.answer(pk)

    def _refund(self, given: dict[str, Any]) -> Refund:
        if "refund" not in given or set(PAYABLE) & set(given):
            raise ValidationError({"payments": ["A line shows refunds or payments, not both."]})
        refund = Refund.objects.filter(pk=given["refund"]).first()
        if refund is None:
            raise ValidationError({"payments": ["There is no such refund."]})
        if given["amount"] != refund.amount:
            raise ValidationError({"payments": [f"The refund is {money_text(refund.amount, refund.currency)}."]})
        return refund

    def _part(self, given: dict[str, Any]) -> Part:
        named = [name for name in PAYABLE if name in given]
        if len(named) != 1:
            raise ValidationError({"payments": ["Name a payment, an invoice or an account in each."]})
        [name] = named
        row = PAYABLE[name](self.caller).filter(pk=given[name]).first()
        if row is None:
            raise ValidationError({"payments": [f"There is no such {name}."]})
        return Part(given["amount"], is_instead=given["wrong_currency"], **{name: row})


class UnmatchLine(DecideLine):
    """POST billing/admin/bank-lines/{id}/unmatch/: the match was a mistake, and nothing is settled by it."""

    @operation(BankLineOut, raises=(NotFound, WrongState, Conflict))
    def post(self, request: Request, pk: UUID) -> Response:
        unmatch_line(self.line(pk), by=self.caller)
        return self.answer(pk)


class IgnoreLine(DecideLine):
    """POST billing/admin/bank-lines/{id}/ignore/: this is no customer's money."""

    class In(StrictSerializer):
        reason = Text(max_length=200)

        EXAMPLE = {"reason": "Our own transfer"}

    @operation(BankLineOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        perform(self.line(pk).ignore, by=self.caller, because=form.validated_data["reason"])
        return self.answer(pk)


class ReturnLine(DecideLine):
    """POST billing/admin/bank-lines/{id}/return/: the bank took a payment or a part of it back, which is reversed."""

    class In(StrictSerializer):
        payment = UuidField()
        amount = Amount(required=False, help_text="How much of the payment; none: all that is left of it.")

        EXAMPLE = {"payment": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}

    @operation(BankLineOut, raises=(NotFound, WrongState))
    def post(self, request: Request, pk: UUID) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        payment = Payment.objects.visible_to(self.caller).filter(pk=data["payment"]).first()
        if payment is None:
            raise ValidationError({"payment": ["There is no such payment."]})
        return_line(self.line(pk), payment, by=self.caller, amount=data.get("amount"))
        return self.answer(pk)
