"""Files of a bank, what was read in them, and the operator's own bank accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.fields import (
    Amount,
    Choice,
    Currency,
    Money,
    MoneyText,
    StrictBoolean,
    StrictSerializer,
    Text,
    UtcDateTime,
    UuidField,
)
from api.query import ListQuery
from api.uploads import UploadView
from api.views import StaffView, operation
from core.http.body_limits import FORM_MAX_BYTES
from core.models import BankAccount, PaymentMethod, Statement, StatementFile
from core.models.statement import FILE_MAX_BYTES
from core.problems import Conflict, NotFound, PayloadTooLarge, ValidationError
from workflows.bank import import_statement, save_bank_account
from workflows.bank.continuity import KINDS, breaks_of
from workflows.bank.summary import READING, summary


class LinesOut(serializers.Serializer):
    total = serializers.IntegerField(help_text="Booked lines.")
    new = serializers.IntegerField()
    known = serializers.IntegerField(help_text="Brought by an earlier file.")
    pending = serializers.IntegerField(help_text="Announced by the bank, not booked.")


class BreakOut(serializers.Serializer):
    row = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField()


class ErrorOut(serializers.Serializer):
    detail = serializers.CharField()
    row = serializers.IntegerField(allow_null=True)
    column = serializers.CharField(allow_blank=True)


class FiguresOut(serializers.Serializer):
    bank_account = serializers.UUIDField(allow_null=True)
    currency = serializers.CharField(allow_null=True)
    period_start = serializers.DateField(allow_null=True)
    period_end = serializers.DateField(allow_null=True)
    opening_balance = MoneyText(allow_null=True)
    closing_balance = MoneyText(allow_null=True)
    adds_up = serializers.BooleanField(allow_null=True, help_text="null: there is nothing to compare.")
    first_break = BreakOut(allow_null=True)
    lines = LinesOut(allow_null=True)
    credits = MoneyText(allow_null=True)
    debits = MoneyText(allow_null=True)


class StatementOut(FiguresOut):
    """One statement of one account."""

    id = serializers.UUIDField()
    number = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())


class StatementFileOut(FiguresOut):
    """A file; what differs between its parts is null here and stands in `parts`."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField([*StatementFile.Status.choices, (READING, READING)])
    sha256 = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    format = serializers.CharField()
    reader = serializers.CharField()
    reader_version = serializers.CharField()
    error = ErrorOut(allow_null=True)
    parts = StatementOut(many=True)
    created_at = UtcDateTime()

    def to_representation(self, instance: StatementFile) -> dict[str, Any]:
        return super().to_representation(summary(instance))


class UploadedOut(serializers.Serializer):
    id = serializers.UUIDField(help_text="Of the file.")
    status = serializers.ChoiceField(StatementFile.Status.choices)
    sha256 = serializers.CharField()
    duplicate = serializers.BooleanField(help_text="Whether the same bytes were sent before: nothing is imported then.")


class Statements(UploadView, StaffView, ReadOnlyModelViewSet):
    """billing/admin/statements/: files of the bank, newest first."""

    BODY_MAX_BYTES = FILE_MAX_BYTES + FORM_MAX_BYTES
    serializer_class = StatementFileOut
    permission = "core.import_statements"

    class In(StrictSerializer):
        file = serializers.FileField(allow_empty_file=True, help_text="At most 20 MB; its name is not asked.")
        bank_account = UuidField(required=False, help_text="Where the file does not say which account it is of.")
        profile = Text(
            required=False,
            lines=True,
            max_length=20_000,
            help_text='How a table is read: a profile as JSON, the name of a made one, or {"answers": {...}}.',
        )

    class Filters(ListQuery):
        status = Choice(StatementFile.Status.choices, required=False)
        bank_account = UuidField(required=False)

    def get_queryset(self) -> QuerySet[StatementFile]:
        wanted = self.query
        found = StatementFile.objects.prefetch_related(Prefetch("parts", Statement.objects.order_by("position")))
        if "status" in wanted:
            found = found.filter(status=wanted["status"])
        if "bank_account" in wanted:
            account = wanted["bank_account"]
            found = found.filter(Q(parts__bank_account=account) | Q(bank_account=account)).distinct()
        return found

    @operation({202: UploadedOut, 200: UploadedOut}, request=In, raises=(PayloadTooLarge,))
    def create(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        file, duplicate = import_statement(
            data["file"].read(FILE_MAX_BYTES + 1),
            name=data["file"].name,
            by=self.caller,
            bank_account=bank_account_of(data.get("bank_account")),
            profile=_profile(data.get("profile", "")),
        )
        answer = {"id": file.pk, "status": file.status, "sha256": file.sha256, "duplicate": duplicate}
        return Response(UploadedOut(answer).data, status=200 if duplicate else 202)


def _profile(text: str) -> Mapping[str, Any] | str:
    """An object, else the name of a made one."""
    if not text.startswith(("{", "[")):
        return text
    try:
        profile = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationError({"profile": ["Send a JSON object, or the name of a profile."]}) from error
    if not isinstance(profile, dict):
        raise ValidationError({"profile": ["Send a JSON object, or the name of a profile."]})
    return profile


class StatementBreakOut(serializers.Serializer):
    """Where a statement does not follow the one before."""

    kind = serializers.ChoiceField(KINDS, help_text="`gap`: days or money are missing. `overlap`: days come twice.")
    before = serializers.UUIDField(source="before.file_id", help_text="The file of the earlier statement.")
    closes_on = serializers.DateField()
    closing_balance = Money("closing_balance", nullable=True)
    after = serializers.UUIDField(source="after.file_id", help_text="The file of the later one.")
    opens_on = serializers.DateField()
    opening_balance = Money("opening_balance", nullable=True)


class BankAccountOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    iban = serializers.CharField()
    number = serializers.CharField()
    bank = serializers.CharField()
    holder = serializers.CharField(help_text="Whose account it is, as the bank has it; payout files need it.")
    currency = serializers.CharField()
    payment_methods = serializers.SerializerMethodField(help_text="Codes of the methods whose money arrives here.")
    automatic = serializers.BooleanField(source="is_automatic")
    automatic_limit = Money("automatic_limit", nullable=True)
    rules_by_hand = serializers.ListField(
        child=serializers.CharField(), help_text="Rules of matching that only suggest here."
    )
    continuity = serializers.SerializerMethodField(
        help_text="The newest places where one of its statements does not follow the one before, newest first."
    )
    created_at = UtcDateTime()

    @extend_schema_field(StatementBreakOut(many=True))
    def get_continuity(self, account: BankAccount) -> Any:
        found = self.context.get("breaks") or breaks_of([account])
        return StatementBreakOut(found[account.pk], many=True).data

    def get_payment_methods(self, account: BankAccount) -> list[str]:
        return [method.code for method in account.payment_methods.all()]


class BankAccountIn(StrictSerializer):
    name = Text(max_length=100)
    iban = Text(max_length=42, required=False, allow_blank=True)
    number = Text(max_length=34, required=False, allow_blank=True)
    bank = Text(max_length=20, required=False, allow_blank=True)
    holder = Text(max_length=70, required=False, allow_blank=True)
    currency = Currency()
    payment_methods = serializers.ListField(child=Text(max_length=30), required=False, max_length=100)
    automatic = StrictBoolean(required=False)
    automatic_limit = Amount(required=False, allow_null=True)
    rules_by_hand = serializers.ListField(child=Text(max_length=60), required=False, max_length=20)


class BankAccounts(StaffView, ReadOnlyModelViewSet):
    """billing/admin/bank-accounts/: the operator's own accounts."""

    serializer_class = BankAccountOut
    permission = "core.import_statements"
    In = BankAccountIn

    def get_queryset(self) -> QuerySet[BankAccount]:
        return BankAccount.objects.prefetch_related("payment_methods")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        if args and kwargs.get("many"):
            kwargs["context"] = {**self.get_serializer_context(), "breaks": breaks_of(args[0])}
        return super().get_serializer(*args, **kwargs)

    @operation(BankAccountOut, 201, request=BankAccountIn, raises=(Conflict,))
    def create(self, request: Request) -> Response:
        return self._save(BankAccount(), request, status=201)

    def _save(self, account: BankAccount, request: Request, *, status: int) -> Response:
        form = BankAccountIn(data=request.data, partial=status == 200)
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        if "automatic" in data:
            data["is_automatic"] = data.pop("automatic")
        methods = _methods(data.pop("payment_methods")) if "payment_methods" in data else None
        saved = save_bank_account(account, by=self.caller, payment_methods=methods, **data)
        return Response(BankAccountOut(saved).data, status=status)

    @operation(BankAccountOut, request=BankAccountIn, raises=(NotFound, Conflict))
    def partial_update(self, request: Request, pk: UUID) -> Response:
        return self._save(get_object_or_404(self.get_queryset(), pk=pk), request, status=200)


def bank_account_of(key: UUID | None) -> BankAccount | None:
    """That a body or a query names; None if it names none. Raises ValidationError."""
    if key is None:
        return None
    account = BankAccount.objects.filter(pk=key).first()
    if account is None:
        raise ValidationError({"bank_account": ["There is no such bank account."]})
    return account


def _methods(codes: list[str]) -> list[PaymentMethod]:
    found = {method.code: method for method in PaymentMethod.objects.filter(code__in=codes)}
    if unknown := [code for code in codes if code not in found]:
        raise ValidationError({"payment_methods": [f"There is no payment method {unknown[0]!r}."]})
    return list(found.values())
