"""Admin pages of accounts, subscriptions, invoices, payments and ledgers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from core.models import (
    Account,
    Allocation,
    BalanceEntry,
    CreditEntry,
    Invoice,
    InvoiceLink,
    Payment,
    PaymentMethod,
    PlanPrice,
    Subscription,
    User,
)
from core.models.account import BILLING_FIELDS
from core.models.invoice import names_invoice
from core.models.invoice_line import lines_of
from core.problems import Problem
from engine.ids import first_id_at
from engine.models import Transition
from web.amounts import money
from web.readonly import ReadOnly, link_to, listed
from web.staff.confirming import DecidingAdmin
from web.status_labels import canned_reasons
from workflows.actions import decide_many
from workflows.mail.formatting import period_text
from workflows.periods import database_now, last_day_of

LATEST_ROWS = 20  # rows of another model that a page shows


class KnownValuesFilter(admin.SimpleListFilter):
    """Filter whose values come from a small table, instead of a DISTINCT over the large one."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.column or str(self.parameter_name): self.value()}) if self.value() else queryset

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words()]

    def words(self) -> Iterable[str]:
        raise NotImplementedError


class CountryFilter(KnownValuesFilter):
    """Countries that have a payment method of their own."""

    title = parameter_name = "country"

    def words(self) -> Iterable[str]:
        methods = PaymentMethod.objects.exclude(country="").order_by("country")
        return methods.values_list("country", flat=True).distinct()


class CustomerCountryFilter(CountryFilter):
    column = "account__country"


class CurrencyFilter(KnownValuesFilter):
    title = parameter_name = "currency"

    def words(self) -> Iterable[str]:
        return PlanPrice.objects.order_by("currency").values_list("currency", flat=True).distinct()


class WhenFilter(admin.SimpleListFilter):
    """By age. Ids are ordered by time, so no index is needed, unlike for a date hierarchy."""

    title, parameter_name = "when", "within"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "the last 24 hours"), ("7", "the last 7 days"), ("30", "the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("1", "7", "30"):
            return queryset
        return queryset.filter(pk__gte=first_id_at(database_now() - timedelta(days=int(cast("str", self.value())))))


class StatefulAdmin(ReadOnly):
    """A row with a state, its history, and a link to its staff page."""

    ordering = ("-id",)
    desk: ClassVar[str] = ""  # URL name of the staff page
    readonly_fields: ClassVar[Any] = ("history", "elsewhere")

    @admin.display(description="history")
    def history(self, row: Any) -> SafeString:
        found = Transition.objects.filter(machine=row._meta.model_name, object_id=row.pk).select_related("actor")
        return listed(
            (f"{step.at:%Y-%m-%d %H:%M:%S}", link_to("transition", step.pk, words=step.name),
             f"{step.source or 'born'} → {step.target}", step.actor or "the engine", step.reason)
            for step in found.order_by("-seq")[:LATEST_ROWS]
        )  # fmt: skip

    @admin.display(description="see also")
    def elsewhere(self, row: Any) -> SafeString:
        story = reverse("history", args=[row._meta.model_name, row.pk])
        words = format_html('<a href="{}">the whole story, with causes and e-mails</a>', story)
        if not self.desk:
            return words
        return format_html('<a href="{}">staff page</a> · {}', reverse(self.desk, args=[row.pk]), words)


class FindsInvoices(StatefulAdmin):
    """Its search knows an invoice's number and payment reference however they are typed."""

    to_invoice: ClassVar[str] = ""  # from its rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            found |= queryset.filter(names_invoice(search_term, path=self.to_invoice))
        return found, may_repeat


def payments_of(payments: QuerySet[Payment]) -> SafeString:
    found = payments.select_related("invoice", "method").order_by("-id")[:LATEST_ROWS]
    return listed(
        (f"{row.created_at:%Y-%m-%d}", link_to("payment", row.pk, words=row.reference or "no reference"),
         money(row.amount, row.currency), row.get_status_display(), row.method, row.invoice or "on account")
        for row in found
    )  # fmt: skip


@admin.register(Account)
class AccountAdmin(StatefulAdmin):
    desk = "desk_account"
    list_display = ("name", "status", "credits", "country", "created_at")
    list_filter = ("status", CountryFilter, WhenFilter)
    search_fields = ("name", "billing_email", "memberships__user__email")
    search_help_text = "Name, billing address or a member's e-mail"
    readonly_fields = ("subscriptions_", "invoices_", "payments_", "members_", "history", "elsewhere")
    fieldsets = (
        (None, {"fields": ("name", "status", "credits", "trial_ends_on", "created_at", "elsewhere")}),
        ("What they have", {"fields": ("subscriptions_", "invoices_", "payments_", "members_")}),
        (
            "Billed to",
            {
                "fields": (*BILLING_FIELDS, "currency", "time_zone", "proved_at", "proved_email", "refused_email"),
                "classes": ("collapse",),
            },
        ),
        ("What happened", {"fields": ("history",)}),
    )

    @admin.display(description="subscriptions")
    def subscriptions_(self, account: Account) -> SafeString:
        found = account.subscriptions.select_related("plan").order_by("-id")[:LATEST_ROWS]
        return listed(
            (link_to("subscription", row.pk, words=str(row.plan)), row.get_status_display(),
             money(row.price, row.currency), f"until {last_day_of(row.period_end)}" if row.period_end else "")
            for row in found
        )  # fmt: skip

    @admin.display(description="invoices")
    def invoices_(self, account: Account) -> SafeString:
        return listed(
            (link_to("invoice", row.pk, words=str(row)), row.get_status_display(), money(row.total, row.currency),
             f"due {row.due_on}")
            for row in account.invoices.order_by("-id")[:LATEST_ROWS]
        )  # fmt: skip

    @admin.display(description="payments")
    def payments_(self, account: Account) -> SafeString:
        return payments_of(account.payments.all())

    @admin.display(description="members")
    def members_(self, account: Account) -> SafeString:
        found = account.memberships.select_related("user").order_by("pk")[:LATEST_ROWS]
        return listed((link_to("user", row.user_id, words=str(row.user)), row.role) for row in found)


@admin.register(Subscription)
class SubscriptionAdmin(StatefulAdmin):
    list_display = ("account", "plan", "status", "price_", "period_")
    list_filter = ("status", "plan", WhenFilter)
    list_select_related = ("account", "plan")
    search_fields = ("account__name",)
    readonly_fields = ("price_", "period_", "invoices_", "history", "elsewhere")
    fieldsets = (
        (None, {"fields": ("account", "plan", "status", "price_", "interval", "period_",
                           "cancel_at_period_end", "next_plan", "previous", "elsewhere")}),
        ("What it was billed", {"fields": ("invoices_",)}),
        ("What happened", {"fields": ("history",)}),
    )  # fmt: skip

    @admin.display(description="price", ordering="price")
    def price_(self, row: Subscription) -> str:
        return money(row.price, row.currency)

    @admin.display(description="period", ordering="period_end")
    def period_(self, row: Subscription) -> str:
        return period_text(row.period_start, row.period_end) if row.period_start and row.period_end else "not begun"

    @admin.display(description="invoices")
    def invoices_(self, subscription: Subscription) -> SafeString:
        return listed(
            (link_to("invoice", row.pk, words=str(row)), row.get_status_display(), money(row.total, row.currency))
            for row in subscription.invoices.order_by("-id")[:LATEST_ROWS]
        )


@admin.register(Invoice)
class InvoiceAdmin(FindsInvoices):
    desk = "desk_invoice"
    list_display = ("__str__", "payment_reference", "account", "status", "total_", "open_", "due_on")
    list_filter = ("status", CurrencyFilter, WhenFilter)
    search_fields = ("number", "account__name")
    search_help_text = "Number, payment reference or customer"
    readonly_fields = (
        "lines", "total_", "credited_", "allocated_", "open_", "billed_to", "payments_", "allocations_", "history",
        "elsewhere",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("number", "payment_reference", "account", "status", "issued_on", "due_on", "elsewhere")}),
        ("What it is for", {"fields": ("lines", "subscription", "total_", "credited_", "allocated_", "open_")}),
        ("Who it was for, as they were then", {"fields": ("billed_to",)}),
        ("What was paid", {"fields": ("payments_", "allocations_")}),
        ("What happened", {"fields": ("history",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        return super().get_queryset(request).select_related("account", "plan")

    @admin.display(description="lines")
    def lines(self, invoice: Invoice) -> SafeString:
        period = "from when it is paid"
        if invoice.period_start and invoice.period_end:
            period = period_text(invoice.period_start, invoice.period_end)
        return listed([(line.description, period, money(line.net, invoice.currency)) for line in lines_of(invoice)])

    @admin.display(description="total", ordering="total")
    def total_(self, invoice: Invoice) -> str:
        return money(invoice.total, invoice.currency)

    @admin.display(description="paid", ordering="allocated")
    def allocated_(self, invoice: Invoice) -> str:
        return money(invoice.allocated, invoice.currency)

    @admin.display(description="credited")
    def credited_(self, invoice: Invoice) -> str:
        return money(invoice.credited, invoice.currency)

    @admin.display(description="open")
    def open_(self, invoice: Invoice) -> str:
        return money(invoice.outstanding, invoice.currency)

    @admin.display(description="billed to")
    def billed_to(self, invoice: Invoice) -> SafeString:
        then = invoice.snapshot
        return listed((name.replace("_", " "), then[name]) for name in BILLING_FIELDS if then.get(name))

    @admin.display(description="payments")
    def payments_(self, invoice: Invoice) -> SafeString:
        return payments_of(invoice.payments.all())

    @admin.display(description="allocations")
    def allocations_(self, invoice: Invoice) -> SafeString:
        return listed(
            (f"{row.created_at:%Y-%m-%d}", money(row.amount, invoice.currency),
             link_to("payment", row.payment_id, words="the payment"))
            for row in invoice.allocations.order_by("pk")[:LATEST_ROWS]
        )  # fmt: skip


@admin.register(InvoiceLink)
class InvoiceLinkAdmin(ReadOnly):
    """Who may see an invoice without signing in; made and revoked on the invoice's page."""

    list_display = ("invoice", "recipient", "created_by", "created_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "expires_at")
    list_select_related = ("invoice", "created_by")
    search_fields = ("recipient", "invoice__number")
    ordering = ("-id",)


class RejectForm(forms.Form):
    """The reason is sent to each customer."""

    reason_code = forms.ChoiceField(
        label="Reason, as the customer reads it",
        choices=lambda: [("", "Choose a reason"), *canned_reasons()],
    )
    admin_notes = forms.CharField(
        label="Note for the customer", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )


@admin.register(Payment)
class PaymentAdmin(DecidingAdmin, FindsInvoices):
    desk = "desk_payment"
    to_invoice = "invoice__"
    list_display = ("__str__", "account", "status", "amount_", "received_", "method", "reference", "is_usual")
    list_filter = ("status", "method", CurrencyFilter, CustomerCountryFilter, WhenFilter)
    list_select_related = ("account", "invoice", "method")
    search_fields = ("reference", "invoice__number", "account__name", "payer_name")
    actions = ("approve_selected", "reject_selected")
    readonly_fields = ("amount_", "received_", "returned_", "allocations_", "history", "elsewhere")
    fieldsets = (
        (None, {"fields": ("account", "invoice", "bank_line", "status", "amount_", "received_", "returned_",
                           "elsewhere")}),
        ("What was said", {"fields": ("method", "reference", "paid_on", "payer_name", "notes", "proof_url",
                                      "submitted_by", "claimed_by_link", "created_at", "retry_of",
                                      "is_further")}),
        ("What staff said", {"fields": ("decided_by", "reason_code", "admin_notes", "value_date", "reversed_by",
                                        "reversal_reason")}),
        ("Where it went", {"fields": ("allocations_",)}),
        ("What happened", {"fields": ("history",)}),
    )  # fmt: skip

    @admin.display(description="usual reference", boolean=True)
    def is_usual(self, payment: Payment) -> bool:
        return not payment.has_unusual_reference

    @admin.display(description="claimed", ordering="amount")
    def amount_(self, payment: Payment) -> str:
        return money(payment.amount, payment.currency)

    @admin.display(description="received", ordering="received")
    def received_(self, payment: Payment) -> str:
        return money(payment.received, payment.currency) or "-"

    @admin.display(description="returned in parts")
    def returned_(self, payment: Payment) -> str:
        return money(payment.returned, payment.currency) if payment.returned else "-"

    @admin.display(description="allocations")
    def allocations_(self, payment: Payment) -> SafeString:
        found = payment.allocations.select_related("invoice").order_by("pk")[:LATEST_ROWS]
        return listed(
            (link_to("invoice", row.invoice_id, words=str(row.invoice)), money(row.amount, payment.currency))
            for row in found
        )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return cast("User", request.user).is_granted("core.approve_payment")

    @admin.action(description="Approve the selected payments", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, payments: QuerySet[Payment]) -> None:
        self._decide(request, payments, "approve")

    @admin.action(description="Reject the selected payments", permissions=["decide"])
    def reject_selected(self, request: HttpRequest, payments: QuerySet[Payment]) -> HttpResponse | None:
        form = RejectForm(request.POST if "confirmed" in request.POST else None)
        if form.is_valid():
            self._decide(request, payments, "reject", **form.cleaned_data)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Reject payments",
            "opts": self.opts,
            "form": form,
            "payments": payments.select_related("account", "invoice")[:LATEST_ROWS],
            "selected": payments.count(),
            "chosen": request.POST.getlist("_selected_action"),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "web/reject_payments.html", context)

    def _decide(self, request: HttpRequest, payments: QuerySet[Payment], verb: str, **inputs: Any) -> None:
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


class LedgerAdmin(ReadOnly):
    """Append-only lines: the newest first."""

    ordering = ("-id",)
    search_fields = ("account__name",)
    list_select_related: ClassVar[Any] = ("account",)


@admin.register(CreditEntry)
class CreditEntryAdmin(LedgerAdmin):
    list_display = ("account", "amount", "kind", "balance_after", "description", "actor", "created_at")
    list_filter = ("kind", WhenFilter)
    list_select_related: ClassVar[Any] = ("account", "actor")


@admin.register(BalanceEntry)
class BalanceEntryAdmin(LedgerAdmin):
    list_display = ("account", "amount_", "created_at")
    list_filter = (CurrencyFilter, WhenFilter)

    @admin.display(description="amount", ordering="amount")
    def amount_(self, row: BalanceEntry) -> str:
        return money(row.amount, row.currency)


@admin.register(Allocation)
class AllocationAdmin(LedgerAdmin):
    list_display = ("invoice", "account", "amount_", "created_at")
    list_filter = (WhenFilter,)
    list_select_related = ("account", "invoice", "payment__invoice")

    @admin.display(description="amount", ordering="amount")
    def amount_(self, row: Allocation) -> str:
        return money(row.amount, row.payment.currency)
