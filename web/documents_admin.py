from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from core.models import Document, Seller, SellerVersion
from web.billing_admin import StatefulAdmin, WhenFilter
from web.readonly import ReadOnly


@admin.register(Seller)
class SellerAdmin(ReadOnly):
    """Changed in the settings of the desk."""

    list_display = ("code", "number_templates", "created_at")
    search_fields = ("code",)


@admin.register(SellerVersion)
class SellerVersionAdmin(ReadOnly):
    """What documents say of the business; changed in the settings of the desk."""

    list_display = ("number", "legal_name", "country", "saved_by", "saved_at")
    list_filter = ("country",)
    list_select_related = ("saved_by",)
    search_fields = ("legal_name", "brand_name")
    ordering = ("-number",)


@admin.register(Document)
class DocumentAdmin(StatefulAdmin):
    list_display = ("__str__", "kind", "account", "status", "language", "size", "made_at")
    list_filter = ("kind", "status", "language", WhenFilter)
    list_select_related = ("account",)
    search_fields = ("=number", "=id", "=sha256", "account__name")
    readonly_fields: ClassVar = ("history",)
