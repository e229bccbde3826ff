"""The admin: staff see every row; what a machine or the ledger keeps is read-only here."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import ngettext

from core.models import (
    Account,
    Allocation,
    BalanceEntry,
    CreditEntry,
    Industry,
    Invoice,
    Membership,
    Payment,
    Plan,
    PlanPrice,
    Policy,
    Site,
    SiteUserAccess,
    Subscription,
    User,
)
from core.problems import Problem
from web import engine_admin, payment_methods  # noqa: F401 - pages of their own
from web.limited import CountsTries, answers_429
from web.readonly import ReadOnly
from workflows.actions import decide_many

admin.site.site_header = admin.site.site_title = "Countersign"
admin.site.index_title = "Staff"
admin.site.index_template = "web/admin_index.html"


class StaffLogin(CountsTries, AdminAuthenticationForm):
    """The admin's own form, which lets staff in only."""


admin.site.login_form = StaffLogin
admin.site.login = answers_429(admin.site.login)  # type: ignore[method-assign]


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("name", "status", "credits", "country", "created_at")
    list_filter = ("status", "country")
    search_fields = ("name", "billing_email", "memberships__user__email")


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnly):
    list_display = ("account", "plan", "status", "period_start", "period_end")
    list_filter = ("status", "plan")
    list_select_related = ("account", "plan")
    search_fields = ("account__name",)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly):
    list_display = ("number", "account", "status", "total", "allocated", "currency", "due_on")
    list_filter = ("status", "currency")
    list_select_related = ("account",)
    search_fields = ("number", "account__name")


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    list_display = (
        "invoice", "account", "status", "amount", "currency", "method", "reference", "is_usual", "created_at",
    )  # fmt: skip
    list_filter = ("status", "method", "currency")
    list_select_related = ("account", "invoice", "method")
    search_fields = ("reference", "invoice__number", "account__name")
    actions = ("approve_selected", "reject_selected")

    @admin.display(description="usual reference", boolean=True)
    def is_usual(self, payment: Payment) -> bool:
        return not payment.has_unusual_reference

    @admin.action(description="Approve the selected payments")
    def approve_selected(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        self._decide(request, payments, "approve")

    @admin.action(description="Reject the selected payments")
    def reject_selected(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        self._decide(request, payments, "reject", reason_code=Payment.Reason.NOT_RECEIVED)

    def _decide(self, request: HttpRequest, payments: QuerySet[Payment], verb: str, **inputs: Any) -> None:
        """Through the engine, with a message for each that cannot be decided."""
        names = {payment.pk: str(payment) for payment in payments.select_related("invoice")}
        decided = 0
        for key, outcome in decide_many(names, verb, by=cast("User", request.user), **inputs):
            if isinstance(outcome, Problem):
                self.message_user(request, f"{names[key]}: {outcome.detail}", messages.WARNING)
            else:
                decided += 1
        if decided:
            done = "approved" if verb == "approve" else "rejected"
            words = ngettext(f"{decided} payment {done}.", f"{decided} payments {done}.", decided)
            self.message_user(request, words, messages.SUCCESS)


class PriceInline(admin.TabularInline):
    model = PlanPrice
    extra = 0


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "credits", "trial_days", "is_public", "position")
    inlines = (PriceInline,)


@admin.register(User)
class PersonAdmin(UserAdmin):
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "joined_at")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    readonly_fields = ("joined_at", "last_login", "email_verified_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (
            "What they may do",
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        ("When", {"fields": ("joined_at", "last_login", "email_verified_at")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")},
        ),
    )


@admin.register(Policy)
class PolicyAdmin(admin.ModelAdmin):
    """One row, there from the start: it is changed, neither added nor deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        Policy.current()
        return super().get_queryset(request)


admin.site.register([Allocation, BalanceEntry, CreditEntry], ReadOnly)
admin.site.register([Membership, Industry, Site, SiteUserAccess])
