from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import F, QuerySet
from django.db.transaction import atomic
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import ngettext

from core.models import Plan, PlanPrice, Policy, User
from core.models.plan import FREE
from web.forms.fields import Steps
from web.readonly import ReadOnly
from web.settings_admin import Json, SettingsAdmin, StableCode
from web.staff.confirming import ConfirmedAdmin
from workflows.actions.plans import retire_prices, save_plan, set_price
from workflows.actions.policy import save_policy
from workflows.periods import database_now


class PriceForm(forms.ModelForm):
    """A new price; an existing one can only be retired."""

    FIXED = ("currency", "interval", "amount")

    retire = forms.BooleanField(required=False, help_text="Offer it no more. Who chose it keeps it.")

    class Meta:
        model = PlanPrice
        fields = ("currency", "interval", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_new = self.instance._state.adding
        for name in self.FIXED:
            self.fields[name].disabled = not is_new
        self.fields["retire"].disabled = is_new or self.instance.retired_at is not None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("retire") and self.instance.retired_at is None:
            self.instance.retired_at = database_now()
        return data


class Prices(BaseInlineFormSet):
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():  # for screen readers: the column's head is not tied to them
            field.widget.attrs.setdefault("aria-label", str(field.label))

    def full_clean(self) -> None:
        """One submit may retire a price and add its replacement."""
        if self.is_bound:
            retired = {form.instance.pk for form in self.initial_forms if form.data.get(form.add_prefix("retire"))}
            for form in self.extra_forms:
                form.instance.replaces = retired
        super().full_clean()

    def clean(self) -> None:
        super().clean()
        seen = set()
        for form in self.extra_forms:
            if not form.has_changed() or form.errors:
                continue
            what = (form.cleaned_data["currency"], form.cleaned_data["interval"])
            if what in seen:
                form.add_error("currency", "There are two new prices of this currency and interval.")
            seen.add(what)


class PriceInline(admin.TabularInline):
    model = PlanPrice
    form = PriceForm
    formset = Prices
    extra = 0
    can_delete = False
    readonly_fields = ("retired_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanPrice]:
        prices = super().get_queryset(request).select_related("plan")  # str(price) names its plan
        return prices.order_by(F("retired_at").desc(nulls_first=True), "currency", "interval")


@admin.register(Plan)
class PlanAdmin(StableCode):
    list_display = ("name", "code", "credits", "trial_days", "is_public", "position")
    list_filter = ("is_public",)
    search_fields = ("name", "code")
    inlines = (PriceInline,)

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        save_plan(obj, by=cast("User", request.user))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        staff = cast("User", request.user)
        formset.save(commit=False)
        if formset.changed_objects:
            retire_prices([price for price, _ in formset.changed_objects], by=staff)
        for price in formset.new_objects:
            set_price(form.instance, currency=price.currency, interval=price.interval, amount=price.amount, by=staff)

    def must_stay(self, rows: Any) -> list[str]:
        why = (
            f'The plan with the code "{FREE}": who signs up without a word gets it. Take its "Is public" away instead.'
        )
        return [why for plan in rows if plan.code == FREE]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Prices are deleted only with their unused plan."""
        deletable, counts, needed, protected = super().get_deleted_objects(objs, request)
        return deletable, counts, needed - {PlanPrice._meta.verbose_name}, protected


@admin.register(PlanPrice)
class PriceAdmin(ReadOnly):
    """To retire many at once; prices are added on their plan's page."""

    list_display = ("plan", "currency", "interval", "amount", "retired_at")
    list_filter = ("plan", "currency", "interval", ("retired_at", admin.EmptyFieldListFilter))
    list_select_related = ("plan",)
    search_fields = ("plan__code", "plan__name", "=currency")
    ordering = ("plan__position", "currency", "interval")
    actions = ("retire_selected",)
    fields = ("plan", "currency", "interval", "amount", "retired_at")

    def has_retire_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("core.change_planprice")

    @admin.action(description="Retire the selected prices", permissions=["retire"])
    def retire_selected(self, request: HttpRequest, prices: QuerySet[PlanPrice]) -> None:
        with atomic():
            retired = retire_prices(prices, by=cast("User", request.user))
            for price in retired:
                self.log_change(request, price, "Retired.")
        words = ngettext(f"{len(retired)} price is", f"{len(retired)} prices are", len(retired))
        self.message_user(request, f"{words} not offered any more. Who chose them keeps them.", messages.SUCCESS)


class PolicyForm(forms.ModelForm):
    reminder_steps = Steps(
        required=False, max_length=200, help_text="Days around the due date; empty: nobody is reminded."
    )
    claim_ceilings = Json(
        required=False,
        widget=AdminTextareaWidget,
        help_text="Above these sums a claim of more than ten times what is open is refused. Whole units by currency; "
        '"other" is for all that are not named.',
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["adjustment_limit"].widget.attrs["class"] = "vBigIntegerField"  # the default shows six digits


@admin.register(Policy)
class PolicyAdmin(ConfirmedAdmin, SettingsAdmin):
    """A single row that always exists: changed only."""

    form = PolicyForm

    def save_model(self, request: HttpRequest, obj: Policy, form: Any, change: bool) -> None:
        typed = {name: form.cleaned_data[name] for name in form.changed_data}
        save_policy(by=cast("User", request.user), **typed)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        Policy.current()
        return super().get_queryset(request)
