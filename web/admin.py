"""The admin. State machines and ledgers are read-only here."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from knox.models import AuthToken

from core.models import (
    DutyGrant,
    Industry,
    Membership,
    MembershipRecord,
    NumberSeries,
    RateLimitBucket,
    RefusalCount,
    SecurityEvent,
    Session,
    Site,
    SiteUserAccess,
    User,
)
from core.models.account import MembershipQuerySet
from engine.models import EffectEvent, ScheduledRun
from web import (  # noqa: F401 - pages of their own
    bank_admin,
    billing_admin,
    documents_admin,
    engine_admin,
    payment_methods,
    plans_admin,
    tax_admin,
)
from web.rate_limited_login import RateLimitedLogin, rate_limited
from web.readonly import ReadOnly
from web.settings_admin import SettingsAdmin
from web.staff.confirming import ConfirmedAdmin
from web.staff.duties import send_password_link
from workflows.actions.members import remove_by_staff, warn_of_missing_owner
from workflows.actions.people import add_person
from workflows.security.rights import is_trusted

admin.site.site_header = admin.site.site_title = "Countersign"
admin.site.index_title = "Staff"
admin.site.index_template = "web/admin_index.html"
admin.site.site_url = "/home/"  # "view site" leads to the staff's home


class StaffLogin(RateLimitedLogin, AdminAuthenticationForm):
    """The admin's own form, which lets staff in only."""


admin.site.login_form = StaffLogin
admin.site.login = rate_limited(admin.site.login)  # type: ignore[method-assign]


admin.site.unregister(AuthToken)  # knox's page makes tokens to act as anybody


class NewPersonForm(forms.ModelForm):
    """New users have no password (a link is sent) and no rights (asked for under Duties)."""

    class Meta:
        model = User
        fields = ("email", "name")


class RightsOfGroups(ReadOnly):
    """Permissions of groups are set by `manage.py grant_duty --group`, their members under Duties."""

    list_display = ("name",)
    search_fields = ("name",)
    fields = ("name", "permissions")
    ordering = ("name",)


admin.site.unregister(Group)
admin.site.register(Group, RightsOfGroups)


@admin.register(User)
class PersonAdmin(ConfirmedAdmin, SettingsAdmin):
    """Rights of staff and their sign-in address are changed under Duties, by two people."""

    change_form_template = "web/person_change_form.html"
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_active", "joined_at")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    rights = ("is_staff", "was_staff", "is_superuser", "groups", "permissions_")
    readonly_fields = (*rights, "joined_at", "last_login", "email_verified_at")
    fieldsets = (
        (None, {"fields": ("email", "name")}),
        ("What they may do", {"fields": ("is_active", *rights)}),
        ("When", {"fields": ("joined_at", "last_login", "email_verified_at")}),
    )

    @admin.display(description="user permissions")
    def permissions_(self, person: User) -> str:
        """With their models at once: the name of each has its model's."""
        return ", ".join(map(str, person.user_permissions.select_related("content_type"))) or "-"

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return ((None, {"fields": ("email", "name")}),) if obj is None else self.fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = {"form": NewPersonForm} if obj is None else {}
        return super().get_form(request, obj, change, **{**kwargs, **form})

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        is_of_staff = obj is not None and is_trusted(obj)
        return (*self.readonly_fields, *(("email", "is_active") if is_of_staff else ()))

    def get_urls(self) -> list[Any]:
        send = self.admin_site.admin_view(self.send_link)
        return [path("<uuid:key>/link/", send, name="core_user_link"), *super().get_urls()]

    def send_link(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Staff never type somebody else's password; they send a link."""
        person = get_object_or_404(User, pk=key)
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if request.method == "POST":
            send_password_link(request, person)
        return redirect("admin:core_user_change", person.pk)

    def must_stay(self, rows: Any) -> list[str]:
        people = [person.pk for person in rows]
        logged = User.objects.filter(pk__in=LogEntry.objects.filter(user__in=people).values("user"))
        return [
            *owners_who_stay(Membership.objects.filter(user__in=people)),
            *(f"{person} is named in the admin's log, which only grows: make them inactive." for person in logged),
        ]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            add_person(obj, by=cast("User", request.user))
            return
        super().save_model(request, obj, form, change)
        if "is_active" in form.changed_data and not obj.is_active and warn_of_missing_owner(obj):
            self.message_user(
                request, "No owner of their account can sign in now. Operators are told.", messages.WARNING
            )


@admin.register(AuthToken)
class TokenAdmin(ReadOnly):
    """Tokens are created by signing in only; deleting one revokes it."""

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
    """Deleting a session signs that browser out. Its data are not shown."""

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


def owners_who_stay(memberships: MembershipQuerySet) -> list[str]:
    """A reason for each membership whose removal would leave an account without owner."""
    found = memberships.last_owners().select_related("user", "account")
    return [f"{place.user} is the last owner of {place.account}: make somebody else one first." for place in found]


@admin.register(Membership)
class MembershipAdmin(SettingsAdmin):
    """A membership is created and deleted, never moved to another account or person."""

    list_display = ("user", "account", "role")
    list_filter = ("role",)
    list_select_related = ("user", "account")
    search_fields = ("user__email", "account__name")
    autocomplete_fields = ("user", "account")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        return () if obj is None else ("user", "account")

    def must_stay(self, rows: Any) -> list[str]:
        return owners_who_stay(Membership.objects.filter(pk__in=[place.pk for place in rows]))

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        remove_by_staff(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        with atomic():
            for place in queryset.select_related("account", "user").order_by("account", "pk"):
                remove_by_staff(place)


@admin.register(MembershipRecord)
class MembershipRecordAdmin(ReadOnly):
    """Present and former members of an account: they decide on none of its money."""

    list_display = ("user_id", "account_id", "joined_at")
    list_filter = ("joined_at",)
    search_fields = ("=user_id", "=account_id")
    search_help_text = "Key of a person or of an account"
    ordering = ("-id",)


@admin.register(Site)
class SiteAdmin(SettingsAdmin):
    list_display = ("name", "account", "industry")
    list_select_related = ("account", "industry")
    list_filter = ("industry",)
    search_fields = ("name", "account__name")
    autocomplete_fields = ("account",)

    def get_readonly_fields(self, request: HttpRequest, obj: Site | None = None) -> Any:
        return () if obj is None else ("account",)  # else people of the old account would keep access


@admin.register(SiteUserAccess)
class SiteUserAccessAdmin(SettingsAdmin):
    list_display = ("site", "user", "role")
    list_filter = ("role",)
    list_select_related = ("site", "user")
    search_fields = ("site__name", "user__email")
    autocomplete_fields = ("site", "user")


@admin.register(Industry)
class IndustryAdmin(SettingsAdmin):
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


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnly):
    list_display = ("schedule", "slot")
    list_filter = ("schedule",)
    search_fields = ("schedule",)
    ordering = ("-id",)


@admin.register(RateLimitBucket)
class RateLimitBucketAdmin(ReadOnly):
    """Deleting one resets that limit. The subject is a digest, so search by the limit's name."""

    list_display = ("key", "until")
    search_fields = ("key",)
    ordering = ("-until",)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("core.delete_attempt")


@admin.register(DutyGrant)
class DutyGrantAdmin(ReadOnly):
    """Rights asked for, given and taken; decided under Duties."""

    list_display = ("asked_at", "kind", "words", "person", "group_name", "asked_by", "confirmed_by", "in_force_at")
    list_filter = ("kind", "origin", ("in_force_at", admin.EmptyFieldListFilter))
    list_select_related = ("person", "asked_by", "confirmed_by")
    search_fields = ("person__email", "asked_by__email", "group_name")
    ordering = ("-asked_at",)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnly):
    """Security-relevant changes; refusals and sign-ins are in the log only."""

    list_display = ("at", "name", "actor", "person", "facts")
    list_filter = ("name",)
    search_fields = ("=actor", "=person", "=request_id")
    ordering = ("-id",)


@admin.register(RefusalCount)
class RefusalCountAdmin(ReadOnly):
    list_display = ("event", "total")
    search_fields = ("event",)
    ordering = ("event",)
