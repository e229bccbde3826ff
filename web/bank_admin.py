"""Admin pages of bank accounts, statements and their lines: written by imports and verbs alone."""

from __future__ import annotations

import json
from typing import ClassVar, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.models import (
    BankAccount,
    CreditNote,
    LinePayment,
    PayerIdentity,
    PendingLine,
    Refund,
    Statement,
    StatementFile,
    StatementLine,
    User,
)
from web.amounts import money
from web.billing_admin import LATEST_ROWS, StatefulAdmin, WhenFilter
from web.readonly import ReadOnly, link_to, listed
from workflows.bank import save_bank_account


@admin.register(BankAccount)
class BankAccountAdmin(ReadOnly):
    """Changed through `save_bank_account`, which asks who may switch on that matches approve."""

    list_display = ("name", "iban", "number", "currency", "is_automatic", "automatic_limit")
    list_filter = ("is_automatic",)
    search_fields = ("name", "=iban", "=number")
    exclude = ("profile",)
    readonly_fields: ClassVar = ("profile_",)
    actions = ("clear_profile",)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.is_granted("core.import_statements")

    @admin.display(description="profile of its tables")
    def profile_(self, account: BankAccount) -> SafeString:
        if account.profile is None:
            return SafeString("none")
        return format_html("<pre>{}</pre>", json.dumps(account.profile, indent=1, ensure_ascii=False))

    @admin.action(description="Clear the profile of the selected accounts", permissions=["import"])
    def clear_profile(self, request: HttpRequest, accounts: QuerySet[BankAccount]) -> None:
        with atomic():
            cleared = list(accounts.filter(profile__isnull=False))
            for account in cleared:
                save_bank_account(account, by=cast("User", request.user), profile=None)
                self.log_change(request, account, "Cleared the profile of its tables.")
        self.message_user(request, f"Cleared: {len(cleared)}. The next table asks for its columns.", messages.SUCCESS)


@admin.register(Refund)
class RefundAdmin(StatefulAdmin):
    list_display = (
        "account",
        "amount_",
        "status",
        "payee_name",
        "reference",
        "requested_by",
        "approved_by",
        "created_at",
    )
    list_filter = ("status", "reason", WhenFilter)
    list_select_related = ("account", "requested_by", "approved_by")
    search_fields = ("=reference", "=id", "account__name", "payee_name")
    readonly_fields: ClassVar = ("history",)

    @admin.display(description="amount", ordering="amount")
    def amount_(self, refund: Refund) -> str:
        return money(refund.amount, refund.currency)


@admin.register(CreditNote)
class CreditNoteAdmin(StatefulAdmin):
    list_display = ("invoice", "account", "total_", "status", "requested_by", "issued_by", "created_at")
    list_filter = ("status", WhenFilter)
    list_select_related = ("invoice", "account", "requested_by", "issued_by")
    search_fields = ("=id", "account__name", "invoice__number")
    readonly_fields: ClassVar = ("lines", "history")

    @admin.display(description="lines")
    def lines(self, note: CreditNote) -> str:
        return listed([(line.description, money(line.amount, note.currency)) for line in note.lines.all()])

    @admin.display(description="total", ordering="total")
    def total_(self, note: CreditNote) -> str:
        return money(note.total, note.currency)


@admin.register(StatementFile)
class StatementFileAdmin(StatefulAdmin):
    list_display = ("name", "status", "format", "size", "uploaded_by", "created_at")
    list_filter = ("status", WhenFilter)
    list_select_related = ("uploaded_by",)
    search_fields = ("=sha256", "=id")
    readonly_fields: ClassVar = ("statements", "history")

    @admin.display(description="statements")
    def statements(self, file: StatementFile) -> SafeString:
        found = file.parts.select_related("bank_account").order_by("position")
        return listed(
            (link_to("statement", part.pk, words=f"{part}"), part.period_start, part.period_end, part.lines_total)
            for part in found[:LATEST_ROWS]
        )


@admin.register(Statement)
class StatementAdmin(ReadOnly):
    list_display = ("bank_account", "number", "period_start", "period_end", "adds_up", "lines_total", "lines_new")
    list_filter = ("adds_up", WhenFilter)
    list_select_related = ("bank_account",)
    search_fields = ("=number", "=id")
    ordering = ("-id",)


@admin.register(StatementLine)
class StatementLineAdmin(StatefulAdmin):
    list_display = ("booked_on", "amount_", "payer_name", "bank_account", "status", "decided_by")
    list_filter = ("status", WhenFilter)
    list_select_related = ("bank_account", "decided_by")
    search_fields = ("=bank_id", "=payer_account", "=id")
    exclude = ("content_key",)
    readonly_fields: ClassVar = ("payments", "history")

    @admin.display(description="amount", ordering="amount")
    def amount_(self, line: StatementLine) -> str:
        return money(line.amount, line.currency)

    @admin.display(description="payments")
    def payments(self, line: StatementLine) -> SafeString:
        found = LinePayment.objects.filter(line=line).select_related("decided_by").order_by("id")
        return listed(
            (money(part.amount, line.currency), link_to("payment", part.payment_id), part.rule or part.decided_by)
            for part in found[:LATEST_ROWS]
        )


@admin.register(PendingLine)
class PendingLineAdmin(ReadOnly):
    """What a bank announces and has not booked."""

    list_display = ("booked_on", "amount_", "payer_name", "bank_account")
    list_filter = (WhenFilter,)
    list_select_related = ("bank_account", "statement__bank_account")
    search_fields = ("=id", "=statement__id")
    ordering = ("-id",)

    @admin.display(description="amount", ordering="amount")
    def amount_(self, line: PendingLine) -> str:
        return money(line.amount, line.currency)


@admin.register(LinePayment)
class LinePaymentAdmin(ReadOnly):
    list_display = ("line", "payment", "amount_", "rule", "decided_by", "created_at")
    list_filter = ("is_decision", WhenFilter)
    list_select_related = ("line", "payment", "decided_by")
    search_fields = ("=line__id", "=payment__id")
    ordering = ("-id",)

    @admin.display(description="amount", ordering="amount")
    def amount_(self, part: LinePayment) -> str:
        return money(part.amount, part.line.currency)


@admin.register(PayerIdentity)
class PayerIdentityAdmin(ReadOnly):
    list_display = ("value", "kind", "account", "confirmed_by", "created_at")
    list_filter = ("kind", WhenFilter)
    list_select_related = ("account", "confirmed_by")
    search_fields = ("=value", "account__name")
    ordering = ("-id",)
