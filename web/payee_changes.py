from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.safestring import SafeString

from core.models import PayeeVersion, PaymentMethod, User
from core.problems import Problem
from core.validation.text import SMALL_NUMBER
from web.readonly import ReadOnly, listed
from web.staff.confirming import ConfirmedAdmin
from workflows.actions.payment_methods import confirm_payee, withdraw_payee
from workflows.payees.changes import changes, version_in_force_before

VERBS: dict[str, Callable[..., PayeeVersion]] = {"confirm": confirm_payee, "withdraw": withdraw_payee}
DONE = {"confirm": "Confirmed", "withdraw": "Withdrew"}


def act_on_payee(method: PaymentMethod, verb: str, number: str, *, by: User) -> str:
    """Returns what was done. Raises Http404 for what is no change of the method, and the verb's Problem."""
    is_number = SMALL_NUMBER.fullmatch(number) is not None
    version = PayeeVersion.objects.filter(method=method, number=int(number)).first() if is_number else None
    if version is None or verb not in VERBS:
        raise Http404
    VERBS[verb](version, by=by)
    return f"{DONE[verb]} the change of payee {version.number}."


def waiting_change(method: PaymentMethod, user: User, *, may_change: bool) -> dict[str, Any]:
    """Empty if none waits."""
    waits = PayeeVersion.objects.waiting().filter(method=method).select_related("asked_by", "confirmed_by").first()
    if waits is None:
        return {}
    return {
        "waits": waits,
        "payee_changes": changes(method, version_in_force_before(waits), waits),
        "may_confirm": may_change and waits.confirmed_by is None and waits.asked_by != user,
        "may_withdraw": may_change,
    }


class PayeeChanges(ConfirmedAdmin, admin.ModelAdmin):
    """A waiting change of payee on the page and list of payment methods."""

    @admin.display(description="payee")
    def payee(self, method: Any) -> str:
        return "a change waits" if method.has_change_waiting else "-"

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentMethod]:
        waiting = PayeeVersion.objects.waiting().filter(method=OuterRef("pk"))
        found: QuerySet[PaymentMethod] = super().get_queryset(request)
        return found.annotate(has_change_waiting=Exists(waiting))

    def get_urls(self) -> list[Any]:
        own = path("<path:key>/payee/<str:verb>/", self.admin_site.admin_view(self.decide), name="decide_payee")
        return [own, *super().get_urls()]

    def decide(self, request: HttpRequest, key: str, verb: str) -> HttpResponse:
        """Confirms or withdraws the change with the posted number."""
        method = self.get_object(request, unquote(key))
        if method is None or verb not in VERBS:
            raise Http404
        if request.method != "POST":  # the redirect after the password was confirmed
            return redirect("admin:core_paymentmethod_change", method.pk)
        if (asked := self._confirmed(request)) is not None:
            return asked
        try:
            done = act_on_payee(method, verb, request.POST.get("number", ""), by=cast("User", request.user))
        except Problem as problem:
            self.message_user(request, problem.detail, messages.ERROR)
        else:
            self.log_change(request, method, done)
            self.message_user(request, done, messages.SUCCESS)
        return redirect("admin:core_paymentmethod_change", method.pk)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = dict(extra_context or {})
        method = self.get_object(request, unquote(object_id))
        if method is not None:
            may_change = self.has_change_permission(request, method)
            extra |= waiting_change(method, cast("User", request.user), may_change=may_change)
        return super().change_view(request, object_id, form_url, extra)


@admin.register(PayeeVersion)
class PayeeVersionAdmin(ReadOnly):
    """Payees over time: asked for and confirmed by whom."""

    list_display = ("code", "number", "asked_by", "asked_at", "confirmed_by", "in_force_at", "withdrawn_by")
    list_select_related = ("asked_by", "confirmed_by", "withdrawn_by")
    list_filter = (("in_force_at", admin.EmptyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter), "at_once")
    search_fields = ("=method__code",)
    ordering = ("-asked_at", "-number")
    fields = (
        "code", "number", "what", "asked_by", "asked_at", "confirmed_by", "confirmed_at", "in_force_at", "at_once",
        "withdrawn_by", "withdrawn_at",
    )  # fmt: skip
    readonly_fields = ("code", "what")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PayeeVersion]:
        """A join would leave out versions of deleted methods."""
        found: QuerySet[PayeeVersion] = super().get_queryset(request)
        return found.annotate(known_as=Subquery(PaymentMethod.objects.filter(pk=OuterRef("method_id")).values("code")))

    @admin.display(description="method")
    def code(self, version: Any) -> str:
        return version.known_as or f"{version.method_id}, deleted"

    @admin.display(description="what changed")
    def what(self, version: PayeeVersion) -> SafeString:
        method = PaymentMethod.objects.filter(pk=version.method_id).first() or PaymentMethod()
        found = changes(method, version_in_force_before(version), version)
        return listed((change.label, change.old or "nothing", "→", change.new or "nothing") for change in found)
