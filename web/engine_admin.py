"""Admin pages of the engine: effects and their history, retry and skip."""

from __future__ import annotations

import json
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from core.models import HistoryHead, TransitionDigest, User
from core.problems import Problem
from engine import allowed_actions, retry, retry_many, skip
from engine.conf import OPERATE_PERMISSION
from engine.models import Batch, CircuitBreaker, Effect, EffectPause, Throttle, Transition
from engine.operator_actions import RETRIABLE
from engine.registry import kinds, lanes, machines
from engine.stateful import edges_of
from web.forms.payload import Payload
from web.mails import address_of
from web.readonly import ReadOnly, link_to

DONE = {"retry": "will be tried again", "skip": "skipped"}


class ChosenFilter(admin.SimpleListFilter):
    """Filter whose values the code knows, instead of a DISTINCT over the whole history."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words()]

    def words(self) -> list[str]:
        raise NotImplementedError


class KindFilter(ChosenFilter):
    title = parameter_name = "kind"

    def words(self) -> list[str]:
        return sorted(kinds)


class LaneFilter(ChosenFilter):
    title = parameter_name = "lane"

    def words(self) -> list[str]:
        return lanes()


class MachineFilter(ChosenFilter):
    title = parameter_name = "machine"

    def words(self) -> list[str]:
        return sorted(machines)


class NameFilter(ChosenFilter):
    title = parameter_name = "name"

    def words(self) -> list[str]:
        return sorted({"begin"} | {name for model in machines.values() for name, _, _ in edges_of(model)})


class OperatorForm(forms.Form):
    """The reason; for the retry of a single effect also its payload."""

    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "cols": 80}))
    payload = Payload(widget=forms.Textarea(attrs={"rows": 8, "cols": 80}))

    def __init__(self, data: Any, *, verb: str, alone: Effect | None) -> None:
        super().__init__(data, initial={"payload": alone and alone.payload})
        if verb != "retry" or alone is None:
            del self.fields["payload"]
        else:
            self.fields["payload"].required = False  # `{}` counts as empty
        self.fields["reason"].required = verb == "skip"

    def clean_payload(self) -> dict[str, Any]:
        return self.cleaned_data["payload"] or {}


class OperatorsOnly(ReadOnly):
    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(OPERATE_PERMISSION)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(OPERATE_PERMISSION)


@admin.register(Effect)
class EffectAdmin(OperatorsOnly):
    list_display = ("kind", "state", "short_error", "short_about", "attempts", "created_at", "done_at", "took_ms")
    list_filter = ("state", KindFilter, LaneFilter)
    search_fields = ("=id", "=object_id", "=account_id", "=key")
    search_help_text = "The id of an effect, its object or its account, or its key"
    ordering = ("-id",)
    actions = ("retry_selected", "skip_selected")
    fieldsets = (
        (None, {"fields": ("kind", "state", "about", "story")}),
        (
            "What it was given, and what came of it",
            {"fields": ("pretty_payload", "pretty_outcome", "last_error", "cause")},
        ),
        (
            "How it is run",
            {
                "fields": ("key", "lane", "attempts", "crashes", "solo", "run_at", "lease_until", "fence", "took_ms"),
                "classes": ("collapse",),
            },
        ),
    )
    readonly_fields = ("about", "story", "pretty_payload", "pretty_outcome", "took_ms")

    @admin.display(description="about")
    def about(self, effect: Effect) -> str:
        return link_to(effect.machine, effect.object_id)

    @admin.display(description="about")
    def short_about(self, effect: Effect) -> str:
        return link_to(effect.machine, effect.object_id, words=f"{effect.machine} ..{str(effect.object_id)[-6:]}")

    @admin.display(description="took (ms)")
    def took_ms(self, effect: Effect) -> int | None:
        return effect.took

    @admin.display(description="last error")
    def short_error(self, effect: Effect) -> str:
        return effect.last_error[:80]

    @admin.display(description="story")
    def story(self, effect: Effect) -> SafeString:
        causes = effect.transition.causes()[::-1] if effect.transition else []
        events = effect.events.select_related("actor").order_by("id")
        return render_to_string("web/effect_story.html", {"effect": effect, "causes": causes, "events": events})

    @admin.display(description="payload")
    def pretty_payload(self, effect: Effect) -> SafeString:
        return pretty(effect.payload)

    @admin.display(description="outcome")
    def pretty_outcome(self, effect: Effect) -> SafeString:
        return pretty(effect.outcome)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["verbs"] = allowed_actions(kwargs["obj"], cast("User", request.user))
        context["mail"] = address_of(kwargs["obj"])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Retry the selected effects", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, effects: QuerySet[Effect]) -> HttpResponse | None:
        return self._operate(request, effects, "retry")

    @admin.action(description="Skip the selected effects", permissions=["operate"])
    def skip_selected(self, request: HttpRequest, effects: QuerySet[Effect]) -> HttpResponse | None:
        return self._operate(request, effects, "skip")

    def _operate(self, request: HttpRequest, effects: QuerySet[Effect], verb: str) -> HttpResponse | None:
        """Show the number and ask for the reason, then retry."""
        user = cast("User", request.user)
        few = list(effects[:2])
        alone = few[0] if len(few) == 1 else None
        form = OperatorForm(request.POST if "confirmed" in request.POST else None, verb=verb, alone=alone)
        if form.is_valid():
            try:
                done = self._do(verb, effects, alone, user, form.cleaned_data)
            except Problem as problem:
                self.message_user(request, problem_text(problem), messages.ERROR)
            else:
                words = ngettext(f"{done} effect {DONE[verb]}.", f"{done} effects {DONE[verb]}.", done)
                self.message_user(request, words, messages.SUCCESS if done else messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.capitalize()} effects",
            "opts": self.opts,
            "verb": verb,
            "form": form,
            "alone": alone,
            "selected": effects.count(),
            "possible": self._possible(verb, effects, alone, user),
            "chosen": request.POST.getlist("_selected_action"),
            "select_across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "web/operate_effects.html", context)

    def _possible(self, verb: str, effects: QuerySet[Effect], alone: Effect | None, user: User) -> int:
        if alone is not None:
            return int(verb in allowed_actions(alone, user))
        if verb == "skip":
            return effects.filter(RETRIABLE).count()
        return retry_many(effects, by=user, dry_run=True)

    def _do(self, verb: str, effects: QuerySet[Effect], alone: Effect | None, user: User, data: dict[str, Any]) -> int:
        if verb == "skip":
            wanted = [effect for effect in effects if allowed_actions(effect, user)]
            return len([skip(effect, by=user, reason=data["reason"]) for effect in wanted])
        if alone is None:
            return retry_many(effects, by=user, reason=data["reason"])
        retry(alone, by=user, reason=data["reason"], payload=data["payload"])
        return 1


@admin.register(Transition)
class TransitionAdmin(OperatorsOnly):
    list_display = ("at", "machine", "object_id", "seq", "name", "source", "target", "actor")
    list_filter = (MachineFilter, NameFilter)
    list_select_related = ("actor",)
    search_fields = ("=id", "=object_id", "=account_id")
    ordering = ("-id",)
    fields = ("at", "about", "name", "source", "target", "seq", "actor", "reason", "causes", "effects_owed",
              "pretty_inputs", "request_id", "trace")  # fmt: skip
    readonly_fields = ("about", "causes", "effects_owed", "pretty_inputs")

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or request.user.has_perm("core.view_transition")

    @admin.display(description="about")
    def about(self, transition: Transition) -> str:
        return link_to(transition.machine, transition.object_id)

    @admin.display(description="follows from")
    def causes(self, transition: Transition) -> SafeString:
        return render_to_string("web/effect_story.html", {"causes": transition.causes()[:0:-1]})

    @admin.display(description="what follows")
    def effects_owed(self, transition: Transition) -> SafeString:
        return render_to_string("web/effect_story.html", {"effects": transition.effects.order_by("id")})

    @admin.display(description="inputs")
    def pretty_inputs(self, transition: Transition) -> SafeString:
        return pretty(transition.inputs)


@admin.register(Batch)
class BatchAdmin(OperatorsOnly):
    """Effects that belong together, with their progress."""

    list_display = ("then", "total", "done", "skipped", "created_at", "completed_at", "note")
    list_filter = (("completed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("then",)
    search_fields = ("=id", "=then__key")
    ordering = ("-id",)


@admin.register(CircuitBreaker)
class BreakerAdmin(OperatorsOnly):
    """Deleting one closes the breaker: the remote side is tried again at once."""

    list_display = ("kind", "failures", "paused_until")
    search_fields = ("kind",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm(OPERATE_PERMISSION)


@admin.register(EffectPause)
class EffectPauseAdmin(OperatorsOnly):
    list_display = ("scope", "name", "reason", "by", "created_at", "until", "ended_at", "ended_by")
    list_filter = ("scope",)
    list_select_related = ("by", "ended_by")
    search_fields = ("=name",)
    ordering = ("-id",)


@admin.register(Throttle)
class ThrottleAdmin(OperatorsOnly):
    list_display = ("name", "rate", "free_at")
    search_fields = ("name",)


def pretty(value: Any) -> SafeString:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def problem_text(problem: Problem) -> str:
    errors = problem.members.get("errors", {})
    return " ".join([problem.detail, *(f"{name}: {', '.join(map(str, lines))}" for name, lines in errors.items())])


@admin.register(HistoryHead)
class HistoryHeadAdmin(OperatorsOnly):
    """Closed days of the history, checked by `manage.py verify_history`."""

    list_display = ("day", "transitions", "head", "closed_at")
    list_filter = ("day",)
    search_fields = ("=head",)
    ordering = ("-day",)


@admin.register(TransitionDigest)
class TransitionDigestAdmin(OperatorsOnly):
    list_display = ("transition_id", "day", "whole")
    list_filter = ("day",)
    search_fields = ("=transition_id",)
    ordering = ("-transition_id",)
