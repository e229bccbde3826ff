from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core.models import DutyGrant, User
from core.models.duty import ACTIVE
from core.problems import Problem
from core.security import rate_limits
from web.forms.base import PageForm
from web.forms.fields import Address, Line, Lines
from web.staff.access import GRANT, StaffRequest, staff_with
from web.staff.confirming import for_rights
from workflows.actions.duties import (
    MAX_REASON_LENGTH,
    confirm,
    request_email_change,
    request_rights,
    revoke_rights,
    withdraw,
)
from workflows.actions.people import ask_for_password_reset
from workflows.security.rights import right_codes_of, right_labels

MAX_ROWS = 50
MAIN_PERMISSIONS = (
    "core.review_payment", "core.approve_payment", "core.reverse_payment", "core.void_invoice", "core.adjust_credits",
    "core.manage_accounts", "core.import_statements", "core.match_lines", "core.request_refund", "core.approve_refund",
    "core.write_credit_note", "core.issue_credit_note",
    "core.operate_effects", "core.erase_person", "core.grant_duties",
)  # fmt: skip


class PersonFilter(PageForm):
    q = Line(required=False, label="E-mail address", max_length=254)


class DutiesForm(PageForm):
    duties = forms.MultipleChoiceField(widget=forms.SelectMultiple(attrs={"size": 12}))
    reason = Lines(required=False, max_length=MAX_REASON_LENGTH, label="Reason")

    def __init__(self, data: Any = None, *, words: list[tuple[str, str]], prefix: str) -> None:
        super().__init__(data, prefix=prefix)
        self.fields["duties"].choices = words  # type: ignore[attr-defined]
        self.fields["duties"].css = "full"  # type: ignore[attr-defined]


class StaffEmailForm(PageForm):
    email = Address(label="New e-mail address", css="full")
    reason = Lines(required=False, max_length=MAX_REASON_LENGTH, label="Reason")


@staff_with(GRANT)
def duties_page(request: StaffRequest) -> HttpResponse:
    filters = PersonFilter(request.GET)
    typed = filters.cleaned_data["q"].strip() if filters.is_valid() else ""
    people = User.objects.filter(is_staff=True) | User.objects.filter(is_superuser=True)
    if typed:
        people = User.objects.filter(email__icontains=typed)
    waiting = DutyGrant.objects.filter(DutyGrant.OPEN).select_related("person", "asked_by").order_by("-id")
    context = {
        "filters": filters,
        "typed": typed,
        "people": people.order_by("email")[:MAX_ROWS],
        "waiting": waiting[:MAX_ROWS],
    }
    return render(request, "web/staff/duties.html", context)


@staff_with(GRANT)
@for_rights
def person_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    person = get_object_or_404(User, pk=pk)
    rights = Rights(right_codes_of(person), right_labels())
    form, status = _forms(person, rights), 200
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        if verb not in form:
            raise Http404
        form[verb] = sent = _form(verb, person, rights, request.POST)
        if sent.is_valid():
            try:
                done = VERBS[verb](request, person, sent.cleaned_data)
            except Problem as problem:
                sent.refuse(problem)
                status = problem.status
            else:
                messages.success(request, done)
                return redirect("desk_person", pk=pk)
    grants = DutyGrant.objects.filter(person=person).select_related("asked_by", "confirmed_by", "withdrawn_by")
    context = {
        "person": person,
        "held": [(word, rights.known.get(word, word)) for word in sorted(rights.held)],
        "forms": form,
        "grants": grants.order_by("-asked_at")[:MAX_ROWS],
        "is_own": person.pk == request.user.pk,
    }
    return render(request, "web/staff/person.html", context, status=status)


@staff_with(GRANT)
@for_rights
def decide_grant(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    """After a password confirmation (GET) the button has to be pressed again."""
    decide: dict[str, Callable[..., DutyGrant]] = {"confirm": confirm, "withdraw": withdraw}
    if verb not in decide:
        raise Http404
    grant = get_object_or_404(DutyGrant, pk=pk, person__isnull=False)
    if request.method == "POST":
        try:
            decide[verb](grant, by=request.user)
        except Problem as problem:
            messages.error(request, problem.detail)
        else:
            messages.success(request, "It is in force." if verb == "confirm" else "It is withdrawn.")
    return redirect("desk_person", pk=grant.person_id)


@staff_with(GRANT)
@for_rights
def send_link(request: StaffRequest, pk: UUID) -> HttpResponse:
    """Staff never type somebody else's password."""
    person = get_object_or_404(User, pk=pk)
    if request.method == "POST":
        send_password_link(request, person)
    return redirect("desk_person", pk=pk)


def send_password_link(request: HttpRequest, person: User) -> None:
    """The same mail and rate limit as on the sign-in page."""
    try:
        rate_limits.RESET.attempt(request, person.email)
        ask_for_password_reset(person.email)
    except Problem as problem:
        messages.error(request, problem.detail)
    else:
        messages.success(request, "A link to set a password is on its way to them.")


def _give(request: StaffRequest, person: User, data: dict[str, Any]) -> str:
    grant = request_rights(person, data["duties"], by=request.user, reason=data["reason"])
    return f"Asked for: {grant.words}. It waits for a second person."


def _take(request: StaffRequest, person: User, data: dict[str, Any]) -> str:
    return f"Taken: {revoke_rights(person, data['duties'], by=request.user, reason=data['reason']).words}."


def _email(request: StaffRequest, person: User, data: dict[str, Any]) -> str:
    request_email_change(person, data["email"], by=request.user, reason=data["reason"])
    return "Asked for. It waits for a second person."


VERBS: dict[str, Callable[[StaffRequest, User, dict[str, Any]], str]] = {
    "give": _give,
    "take": _take,
    "address": _email,
}


@dataclass(frozen=True)
class Rights:
    """held: of a person. known: all, with their names."""

    held: set[str]
    known: dict[str, str]


def _forms(person: User, rights: Rights) -> dict[str, PageForm]:
    verbs = ["give", "take", *(["address"] if rights.held - {ACTIVE} else [])]
    return {verb: _form(verb, person, rights) for verb in verbs}


def _form(verb: str, person: User, rights: Rights, data: Any = None) -> PageForm:
    if verb == "address":
        return StaffEmailForm(data, prefix=verb)
    held, known = rights.held, rights.known
    words = [word for word in known if (word in held) == (verb == "take")]
    words.sort(key=lambda word: (word not in MAIN_PERMISSIONS, "." in word))
    shown = [
        (word, f"{word}: {known[word]}") for word in words if verb == "take" or word != ACTIVE or not person.is_active
    ]
    return DutiesForm(data, words=shown, prefix=verb)
