"""The admin: staff see every row; what a machine or the ledger keeps is read-only here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from knox.models import AuthToken

from core.models import (
    Attempt,
    EffectEvent,
    Industry,
    Membership,
    NumberSeries,
    Plan,
    PlanPrice,
    Policy,
    Session,
    Site,
    SiteUserAccess,
    Tick,
    User,
)
from web import billing_admin, engine_admin, payment_methods  # noqa: F401 - pages of their own
from web.limited import CountsTries, answers_429
from web.readonly import ReadOnly

admin.site.site_header = admin.site.site_title = "Countersign"
admin.site.index_title = "Staff"
admin.site.index_template = "web/admin_index.html"
admin.site.site_url = "/home/"  # "view site": back to the desk


class StaffLogin(CountsTries, AdminAuthenticationForm):
    """The admin's own form, which lets staff in only."""


admin.site.login_form = StaffLogin
admin.site.login = answers_429(admin.site.login)  # type: ignore[method-assign]


admin.site.unregister(AuthToken)  # knox's page makes tokens to act as anybody


class Prices(BaseInlineFormSet):
    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for field in form.fields.values():  # whose names the head of the column tells only those who see it
            field.widget.attrs.setdefault("aria-label", str(field.label))


class PriceInline(admin.TabularInline):
    model = PlanPrice
    formset = Prices
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanPrice]:
        return super().get_queryset(request).select_related("plan")  # which the name of each price has


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):
    list_display = ("name", "code", "credits", "trial_days", "is_public", "position")
    list_filter = ("is_public",)
    search_fields = ("name", "code")
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


@admin.register(AuthToken)
class TokenAdmin(ReadOnly):
    """Tokens are made by signing in, never here; deleting one ends it."""

    list_display = ("user", "token_key", "created", "expiry")
    list_select_related = ("user",)
    fields = ("user", "token_key", "created", "expiry")
    list_filter = ("user__is_staff",)
    search_fields = ("user__email",)
    ordering = ("-created",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("knox.delete_authtoken")


@admin.register(Session)
class SessionAdmin(ReadOnly):
    """Made by signing in; deleting one signs that browser out. What is in it is nobody's business."""

    list_display = ("user", "browser", "began_at", "expire_date")
    list_select_related = ("user",)
    list_filter = ("user__is_staff",)
    fields = ("user", "browser", "began_at", "expire_date")
    search_fields = ("user__email",)
    ordering = ("-began_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return super().get_queryset(request).filter(user__isnull=False).defer("session_data")

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("core.delete_session")


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


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ("user", "account", "role")
    list_filter = ("role",)
    list_select_related = ("user", "account")
    search_fields = ("user__email", "account__name")
    autocomplete_fields = ("user", "account")


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    list_display = ("name", "account", "industry")
    list_select_related = ("account", "industry")
    list_filter = ("industry",)
    search_fields = ("name", "account__name")
    autocomplete_fields = ("account",)


@admin.register(SiteUserAccess)
class SiteUserAccessAdmin(admin.ModelAdmin):
    list_display = ("site", "user", "role")
    list_filter = ("role",)
    list_select_related = ("site", "user")
    search_fields = ("site__name", "user__email")
    autocomplete_fields = ("site", "user")


@admin.register(Industry)
class IndustryAdmin(admin.ModelAdmin):
    search_fields = ("name",)


@admin.register(EffectEvent)
class EffectEventAdmin(ReadOnly):
    list_display = ("at", "what", "effect", "actor", "short_detail")
    list_filter = ("what",)
    list_select_related = ("effect", "actor")
    search_fields = ("=effect__id", "=effect__key")
    ordering = ("-id",)

    @admin.display(description="detail")
    def short_detail(self, event: EffectEvent) -> str:
        return event.detail[:120]


@admin.register(NumberSeries)
class NumberSeriesAdmin(ReadOnly):
    list_display = ("code", "next")
    search_fields = ("code",)


@admin.register(Tick)
class TickAdmin(ReadOnly):
    list_display = ("schedule", "slot")
    list_filter = ("schedule",)
    search_fields = ("schedule",)
    ordering = ("-id",)


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """Deleting one lets somebody try again at once; whom it counts is a digest, so it is found by the limit's name."""

    list_display = ("key", "until")
    search_fields = ("key",)
    ordering = ("-until",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("core.delete_attempt")
