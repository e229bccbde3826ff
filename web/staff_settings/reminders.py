from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib import messages
from django.db.models import Max
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core.models import PaymentMethod, Policy
from core.models.policy import DAYS_AT_MOST, REMINDERS_AT_MOST
from core.problems import PermissionDenied, Problem
from core.security import sessions
from web.forms.base import PageForm
from web.forms.fields import Steps, Whole
from web.staff.access import CHANGE_POLICY, REMINDERS, StaffRequest, staff_with
from web.staff.confirming import PREVIEW, redirect_to_confirmation
from web.staff_settings.changes import log_change
from workflows.actions.policy import check_policy, save_policy
from workflows.periods import database_now, today_in
from workflows.reporting.ladder import Example, Step, first_ladder, renewal_ladder, trial_ladder
from workflows.security.rights import may_set

WORDS = {
    "issued": "Invoice issued",
    "due": "Due",
    "past_due": "Past due: the grace period begins",
    "suspended": "Suspended: credits cannot be used",
    "ended": "Ended: the invoice is void",
    "lapsed": "Lapsed: the sign-up ends, the invoice is void",
    "trial_begins": "Trial begins",
    "trial_warned": "Warning",
    "trial_over": "Trial is over",
}
TONES = {"past_due": "bad", "suspended": "bad", "ended": "bad", "lapsed": "bad", "trial_over": "bad", "due": "now"}


def _days(label: str, help_text: str = "") -> Whole:
    return Whole(max_value=DAYS_AT_MOST, label=label, help_text=help_text)


class RemindersForm(PageForm):
    renewal_lead_days = _days("Renewals: days ahead", "How long before its period a renewal is invoiced.")
    days_to_pay = _days("First invoice: days to pay", "From its issue. A renewal is due when its period begins.")
    reminder_steps = Steps(
        required=False,
        max_length=200,
        label="Reminders",
        help_text=f"Days around the due date, at most {REMINDERS_AT_MOST}: -3 is three days before. Empty: none.",
    )
    grace_days = _days("Days of grace", "Past due, and everything still works.")
    suspension_days = _days("Days suspended", "Before the subscription ends for good.")
    signup_expiry_days = _days("Unpaid sign-up: days", "After its due date, until it lapses.")
    trial_warning_days = _days("Trial: days of warning", "Before its last day. 0: no warning.")
    claim_pause_days = _days("Days that a claim stops the clock", "While a payment is in review, in all.")

    def __init__(self, data: Any = None, *, policy: Policy) -> None:
        super().__init__(data, initial={name: getattr(policy, name) for name in self.base_fields})
        self._policy = policy
        self.fields["reminder_steps"].css = "full"  # type: ignore[attr-defined]
        self.fields["reminder_steps"].widget.attrs |= {"dir": "ltr", "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            self.add_errors_of(lambda: check_policy(self.typed))
        return data

    @property
    def typed(self) -> Policy:
        """What is stored, with what was typed so far."""
        policy = copy(self._policy)
        for name, value in getattr(self, "cleaned_data", {}).items():
            setattr(policy, name, value)
        return policy


@staff_with(*REMINDERS)
def reminders_page(request: StaffRequest) -> HttpResponse:
    may_change = may_set(request.user, CHANGE_POLICY)
    if may_change and not sessions.is_confirmed(request.session):
        return redirect_to_confirmation(request)
    if request.method == "POST" and not may_change:
        raise PermissionDenied("You may not change the policy.")
    policy, status = Policy.current(), 200
    form = RemindersForm(request.POST if request.method == "POST" else None, policy=policy)
    if form.is_valid() and PREVIEW not in request.POST:
        try:
            saved = save_policy(by=request.user, **{name: form.cleaned_data[name] for name in form.changed_data})
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            log_change(request, saved, form)
            messages.success(
                request, "Saved. It counts for what is issued or due from now on; dates that are set already stay."
            )
            return redirect("settings_reminders")
    context = {"form": form, "may_change": may_change, **_ladders(form.typed if not form.errors else policy)}
    return render(request, "web/staff/settings/reminders.html", context, status=status)


@staff_with(*REMINDERS)
@require_POST
def preview(request: StaffRequest) -> HttpResponse:
    """Nothing is changed, so no password is asked for."""
    form = RemindersForm(request.POST, policy=Policy.current())
    context = _ladders(form.typed) if form.is_valid() else {"form": form}
    return render(request, "web/staff/settings/ladders.html", context)


def _ladders(policy: Policy) -> dict[str, Any]:
    today, example = today_in("UTC", database_now()), Example.of_catalogue()
    lags = PaymentMethod.objects.filter(is_enabled=True).aggregate(most=Max("bank_lag_days"))
    return {
        "ladders": [
            ("A renewal that nobody pays", list(map(_row, renewal_ladder(policy, today, example)))),
            ("A sign-up that nobody pays", list(map(_row, first_ladder(policy, today, example)))),
            ("A trial", list(map(_row, trial_ladder(policy, today)))),
        ],
        "most_lag": lags["most"] or 0,
    }


def _row(step: Step) -> dict[str, Any]:
    words = WORDS[step.what] if step.days is None else f"Reminder, {_lateness(step.days)}"
    return {"day": step.day, "words": words, "subject": step.subject, "tone": TONES.get(step.what, "")}


def _lateness(days: int) -> str:
    if days == 0:
        return "on the due date"
    count = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"{count} late" if days > 0 else f"{count} before"
