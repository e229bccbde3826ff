from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from core.problems import Problem
from engine import let_go, pause, resume
from engine.models import LET_GO_MOST, EffectPause
from engine.pauses import COUNT_LIMIT, pauses, set_rate, waiting_for
from engine.registry import rates
from web.forms.base import PageForm
from web.forms.fields import Choice, Line, Lines
from web.problem_messages import problem_message
from web.staff.access import OPERATE, StaffRequest, staff_with

SCOPES = [
    ("kind", "One kind, such as mail.receipt"),
    ("lane", "One lane, such as outward"),
    ("tenant", "One account, by its id"),
    ("outward", "All that leaves the database"),
    ("all", "Everything"),
]
HOURS = [("", "Until somebody resumes it"), ("1", "1 hour"), ("4", "4 hours"), ("24", "A day"), ("168", "A week")]


class PauseForm(PageForm):
    scope = Choice(choices=SCOPES, label="What")
    name = Line(required=False, max_length=60, label="Its name")
    hours = Choice(required=False, choices=HOURS, label="For how long")
    reason = Lines(max_length=2000, label="Reason")


class LetGoForm(PageForm):
    count = forms.IntegerField(min_value=1, max_value=LET_GO_MOST, label="How many")


class RateForm(PageForm):
    throttle = Choice(label="Rate of")
    rate = Line(required=False, max_length=10, label="At most", help_text="10/s, 100/m or 1000/h; empty: as declared")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="rate_%s")
        self.fields["throttle"].choices = [(name, name) for name in sorted(rates)]  # type: ignore[attr-defined]


@staff_with(OPERATE)
def pauses_page(request: StaffRequest) -> HttpResponse:
    form = PauseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        until = timezone.now() + timedelta(hours=int(data["hours"])) if data["hours"] else None
        try:
            pause(data["scope"], data["name"], by=request.user, reason=data["reason"], until=until)
        except Problem as problem:
            form.refuse(problem)
            return _page(request, form, RateForm(), status=problem.status)
        messages.success(request, "It is paused. What a worker has in hand is still done, for a few seconds.")
        return redirect("effect_pauses")
    return _page(request, form, RateForm())


@staff_with(OPERATE)
@require_POST
def change_pause(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    paused = get_object_or_404(EffectPause, pk=pk)
    form = LetGoForm(request.POST)
    try:
        if verb == "resume":
            messages.success(request, f"Resumed: {_count(resume(paused, by=request.user))} waited.")
        elif verb != "let-go":
            raise Http404
        elif form.is_valid():
            messages.success(request, f"{let_go(paused, form.cleaned_data['count'], by=request.user)} are let go.")
        else:
            messages.warning(request, f"Type a number from 1 to {LET_GO_MOST}.")
    except Problem as problem:
        messages.warning(request, problem_message(problem))
    return redirect("effect_pauses")


@staff_with(OPERATE)
@require_POST
def change_rate(request: StaffRequest) -> HttpResponse:
    form = RateForm(request.POST)
    if form.is_valid():
        try:
            set_rate(form.cleaned_data["throttle"], form.cleaned_data["rate"], by=request.user)
        except Problem as problem:
            form.refuse(problem)
        else:
            messages.success(request, "It counts from the next call on.")
            return redirect("effect_pauses")
    return _page(request, PauseForm(), form, status=400)


def _page(request: StaffRequest, form: PauseForm, rate_form: RateForm, *, status: int = 200) -> HttpResponse:
    found = [(each, _count(waiting_for(each)), len(each.let_go)) for each in pauses().select_related("by")]
    context = {"form": form, "rate_form": rate_form, "pauses": found, "let_go_form": LetGoForm(auto_id=False)}
    return render(request, "web/staff/effect_pauses.html", context, status=status)


def _count(effects: int) -> str:
    return f"more than {COUNT_LIMIT:,}" if effects > COUNT_LIMIT else f"{effects:,}"
