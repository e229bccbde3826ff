from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.problems import Problem
from engine import allowed_actions, retry, retry_many, skip
from engine.failures import failures
from engine.models import Effect
from engine.pauses import pauses
from engine.registry import kinds
from web.forms.base import PageForm
from web.forms.fields import Choice, Line, Lines
from web.forms.payload import Payload
from web.mails import address_of
from web.staff.access import OPERATE, StaffRequest, staff_with
from web.status_labels import EFFECT_TONES
from workflows.reporting.estimated_counts import estimated_counts
from workflows.reporting.review_stats import dead_per_kind
from workflows.reporting.waiting import work_blocked_by

WINDOW = 10_000
ROWS = 50
RETRIABLE_STATES = ("dead", "uncertain", "waiting")


class EffectFilter(PageForm):
    state = Choice(required=False, choices=[("", "Any state"), *((str(word), str(word)) for word in Effect.State)])
    kind = Choice(required=False)
    batch = forms.UUIDField(required=False, widget=forms.HiddenInput)
    cause = Line(required=False, max_length=120, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.fields["kind"].choices = [("", "Any kind"), *((kind, kind) for kind in sorted(kinds))]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> dict[str, str]:
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


class OperateForm(PageForm):
    """Has a payload for the retry of a single effect."""

    reason = Lines(required=False, max_length=2000, label="Reason")
    payload = Payload(required=False, widget=forms.Textarea(attrs={"rows": 6, "dir": "ltr", "spellcheck": "false"}))

    def __init__(self, data: Any = None, *, verb: str, effect: Effect | None = None) -> None:
        super().__init__(data, initial={"payload": effect and effect.payload}, auto_id=f"{verb}_%s")
        if verb != "retry" or effect is None:
            del self.fields["payload"]
        self.fields["reason"].required = verb == "skip"


@staff_with(OPERATE)
def effects_page(request: StaffRequest) -> HttpResponse:
    filters = EffectFilter(request.GET)
    chosen = filters.chosen
    found = _effects(chosen)
    offset = ROWS * (_page(request.GET.get("page", "")) - 1)
    rows = list(found[offset : offset + ROWS + 1])
    (states,) = estimated_counts((Effect, "state"))
    context = {
        "filters": filters,
        "chosen": chosen,
        "rows": [(effect, EFFECT_TONES.get(effect.state, "")) for effect in rows[:ROWS]],
        "next": offset // ROWS + 2 if len(rows) > ROWS else None,
        "previous": offset // ROWS if offset else None,
        "states": [(str(state), states.counts.get(state, 0), EFFECT_TONES.get(state, "")) for state in Effect.State],
        "is_exact": states.is_exact,
        "dead": dead_per_kind(),
        "failures": [] if chosen else failures()[:ROWS],
        "pauses": pauses(),
        "window": WINDOW,
        "can_retry_set": chosen.get("state") in RETRIABLE_STATES,
    }
    return render(request, "web/staff/effects.html", context)


@staff_with(OPERATE)
def effect_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    return _one(request, _find(pk))


@staff_with(OPERATE)
def operate(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    if verb not in ("retry", "skip"):
        raise Http404
    effect = _find(pk)
    form = OperateForm(request.POST if request.method == "POST" else None, verb=verb, effect=effect)
    if form.is_valid():
        data = form.cleaned_data
        try:
            if verb == "skip":
                skip(effect, by=request.user, reason=data["reason"])
            else:
                retry(effect, by=request.user, reason=data["reason"], payload=data["payload"])
        except Problem as problem:
            form.refuse(problem)
            return _ask(request, _find(pk), verb, form, status=problem.status)
        messages.success(request, "It will be tried again." if verb == "retry" else "It is skipped.")
        return redirect("effect", pk=pk)
    return _ask(request, effect, verb, form)


@staff_with(OPERATE)
@require_POST
def retry_set(request: StaffRequest) -> HttpResponse:
    """Retries all of a state and kind: first it shows how many."""
    filters = EffectFilter(request.POST)
    chosen = filters.chosen
    if chosen.get("state") not in RETRIABLE_STATES:
        return redirect("effects")
    wanted = Effect.objects.filter(**chosen)
    form = OperateForm(request.POST if "confirmed" in request.POST else None, verb="retry")
    if form.is_valid():
        done = retry_many(wanted, by=request.user, reason=form.cleaned_data["reason"])
        messages.success(request, f"{done} effect{'' if done == 1 else 's'} will be tried again.")
        return redirect("effects")
    would = retry_many(wanted, by=request.user, dry_run=True)
    return render(request, "web/staff/retry_set.html", {"form": form, "chosen": chosen, "would": would})


def _effects(chosen: dict[str, str]) -> QuerySet[Effect]:
    """Only the newest WINDOW rows, unless there is an index: batch, states ON_THE_DESK."""
    found = Effect.objects.filter(**chosen).order_by("-id")
    if chosen and "batch" not in chosen and chosen.get("state") not in Effect.NEEDS_ATTENTION:
        found = found.filter(pk__in=Effect.objects.order_by("-id").values("pk")[:WINDOW])
    return found.defer("payload", "outcome")


def _page(text: str) -> int:
    return min(int(text), WINDOW // ROWS) if re.fullmatch(r"[1-9][0-9]{0,5}", text) else 1


def _find(pk: UUID) -> Effect:
    return get_object_or_404(Effect.objects.select_related("transition"), pk=pk)


def _one(request: StaffRequest, effect: Effect) -> HttpResponse:
    verbs = allowed_actions(effect, request.user)
    waits, says = work_blocked_by(effect) if effect.state in RETRIABLE_STATES else (None, [])
    context = {
        "effect": effect,
        "tone": EFFECT_TONES.get(effect.state, ""),
        "mail": address_of(effect),
        "causes": effect.transition.causes()[::-1] if effect.transition else [],
        "events": effect.events.select_related("actor").order_by("id")[:ROWS],
        "payload": _pretty(effect.payload),
        "outcome": _pretty(effect.outcome) if effect.outcome is not None else "",
        "waits": waits,
        "waits_in_words": says,
        "forms": {verb: OperateForm(verb=verb, effect=effect) for verb in verbs},
    }
    return render(request, "web/staff/effect.html", context)


def _ask(request: StaffRequest, effect: Effect, verb: str, form: OperateForm, *, status: int = 200) -> HttpResponse:
    context = {"effect": effect, "verb": verb, "form": form, "tone": EFFECT_TONES.get(effect.state, "")}
    return render(request, "web/staff/effect_verb.html", context, status=status)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
