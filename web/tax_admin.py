from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.http import HttpRequest

from core.models import TaxRule
from core.models.tax_rule import plain
from web.settings_admin import Json, SettingsAdmin


class TaxRuleForm(forms.ModelForm):
    parts = Json(required=False, widget=AdminTextareaWidget, help_text=TaxRule._meta.get_field("parts").help_text)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("same_region", "has_tax_id"):
            choices = [("unknown", "does not matter"), ("true", "yes"), ("false", "no")]
            cast("forms.Select", self.fields[name].widget).choices = choices


@admin.register(TaxRule)
class TaxRuleAdmin(SettingsAdmin):
    """Kept by those who keep the prices. Issued invoices have copies, so nothing here changes them."""

    form = TaxRuleForm
    list_display = (
        "seller_country", "customer_country", "same_region", "has_tax_id", "product_kind", "category", "rate_", "label",
        "valid_from", "valid_until", "is_enabled",
    )  # fmt: skip
    list_filter = ("is_enabled", "category", "product_kind")
    search_fields = ("=seller_country", "=customer_country")
    fieldsets = (
        ("Sales", {"fields": ("seller_country", "customer_country", "same_region", "has_tax_id", "product_kind")}),
        ("Tax", {"fields": ("category", "rate", "label", "parts", "reason", "reason_code")}),
        ("Days", {"fields": ("valid_from", "valid_until", "is_enabled")}),
    )

    @admin.display(description="rate", ordering="rate")
    def rate_(self, rule: TaxRule) -> str:
        return f"{plain(rule.rate)} %"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: TaxRule | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_change_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: TaxRule | None = None) -> bool:
        return request.user.has_perm("core.change_planprice")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: TaxRule | None = None) -> bool:
        return self.has_change_permission(request, obj)
