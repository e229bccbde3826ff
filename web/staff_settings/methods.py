from __future__ import annotations

from copy import copy
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import Account, Invoice, PayeeVersion, PaymentMethod, PlanPrice, Policy
from core.money import is_currency
from core.payees.kinds import Kind
from core.payees.qr_codes import code_problem
from core.problems import PermissionDenied, Problem
from core.security import sessions
from core.validation.countries import country_choices
from web.forms.base import PageForm
from web.forms.fields import Choice, Line
from web.how_to_pay import way
from web.payee_changes import act_on_payee, waiting_change
from web.payment_methods import WAITS, missing_ways_text, warnings_of
from web.problem_messages import problem_message
from web.staff.access import ADD_METHOD, CHANGE_METHOD, METHODS, StaffRequest, staff_with
from web.staff.confirming import PREVIEW, for_rights, redirect_to_confirmation
from web.staff_settings.changes import log_change
from web.staff_settings.method_form import EVERYWHERE, MethodForm, method_form
from workflows.actions.payment_methods import add_method, save_method
from workflows.lifecycle.due_days import first_due_on
from workflows.mail.payment_instructions import instructions_for
from workflows.payees.missing_methods import places_without_method
from workflows.periods import database_now, today_in
from workflows.security.rights import may_set

MOST_METHODS = 500


class NewMethodForm(PageForm):
    """The kind never changes, and decides which fields the method has."""

    name = Line(max_length=100, label="Name", help_text="As customers read it.")
    code = forms.SlugField(max_length=30, label="Code", help_text="For programs, such as our_bank. It stays.")
    kind = Choice(choices=Kind.choices, label="Kind")
    country = Choice(required=False, label="Offered in")
    currency = Line(required=False, max_length=3, label="Currency", help_text="Such as EUR. Empty: any.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = [("", EVERYWHERE), *country_choices()]  # type: ignore[attr-defined]
        self.fields["currency"].widget.attrs |= {"dir": "ltr", "autocapitalize": "characters", "autocomplete": "off"}

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"].upper())


@staff_with(*METHODS)
def methods_page(request: StaffRequest) -> HttpResponse:
    names = dict(country_choices())
    waiting = PayeeVersion.objects.waiting().filter(method=OuterRef("pk"))
    methods = PaymentMethod.objects.annotate(change_waits=Exists(waiting)).order_by("country", "position", "code")
    found = [
        (names.get(country, country) or EVERYWHERE, list(rows))
        for country, rows in groupby(methods[:MOST_METHODS], key=lambda method: method.country)
    ]
    context = {
        "countries": sorted(found, key=lambda pair: (pair[0] != EVERYWHERE, pair[0])),
        "may_add": may_set(request.user, ADD_METHOD),
    }
    return render(request, "web/staff/settings/methods.html", context)


@staff_with(ADD_METHOD)
@for_rights
def new_method(request: StaffRequest) -> HttpResponse:
    form, status = NewMethodForm(request.POST if request.method == "POST" else None), 200
    if form.is_valid():
        try:
            method = add_method(PaymentMethod(**form.cleaned_data), by=request.user)
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            log_change(request, method, form, is_new=True)
            messages.success(request, "Added, and offered to nobody yet. Fill in where the money goes, then enable it.")
            return redirect("settings_method", pk=method.pk)
    return render(request, "web/staff/settings/new_method.html", {"form": form}, status=status)


@staff_with(*METHODS)
def method_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    method = get_object_or_404(PaymentMethod, pk=pk)
    may_change = may_set(request.user, CHANGE_METHOD)
    if may_change and not sessions.is_confirmed(request.session):
        return redirect_to_confirmation(request)
    if request.method == "POST" and not may_change:
        raise PermissionDenied("You may not change payment methods.")
    was = copy(method)
    form, status = method_form(method, request.POST if request.method == "POST" else None), 200
    if request.method == "POST" and form.is_valid() and PREVIEW not in request.POST:
        try:
            _save(request, form, was)
        except Problem as problem:
            form.add_error(None, problem_message(problem))
            status = problem.status
        except ValidationError as error:  # somebody changed it meanwhile
            form.add_error(None, error.messages)
        else:
            return redirect("settings_method", pk=pk)
    context = {
        "method": was,
        "form": form,
        "may_change": may_change,
        **_preview(form),
        **waiting_change(was, request.user, may_change=may_change),
    }
    return render(request, "web/staff/settings/method.html", context, status=status)


@staff_with(*METHODS)
@require_POST
def preview(request: StaffRequest, pk: UUID) -> HttpResponse:
    """As far as what was typed is valid. Nothing is changed, so no password is asked for."""
    form = method_form(get_object_or_404(PaymentMethod, pk=pk), request.POST)
    return render(request, "web/staff/settings/method_preview.html", _preview(form))


@staff_with(*METHODS)
@for_rights
def decide(request: StaffRequest, pk: UUID, verb: str) -> HttpResponse:
    """After a password confirmation (GET) the button has to be pressed again."""
    method = get_object_or_404(PaymentMethod, pk=pk)
    if request.method == "POST":
        try:
            done = act_on_payee(method, verb, request.POST.get("number", ""), by=request.user)
        except Problem as problem:
            messages.error(request, problem.detail)
        else:
            log_change(request, method, done)
            messages.success(request, done)
    elif verb not in ("confirm", "withdraw"):
        raise Http404
    return redirect("settings_method", pk=pk)


def _save(request: StaffRequest, form: MethodForm, was: PaymentMethod) -> None:
    typed = copy(form.instance)
    version = save_method(form.instance, by=request.user)
    log_change(request, was, form)
    if version is not None and version.is_waiting:
        messages.warning(request, WAITS.format(was.name, version.wait_hours, version.alone_hours))
    else:
        messages.success(request, "Saved.")
    for words in [*warnings_of(typed).values(), missing_ways_text(places_without_method([was]))]:
        if words:
            messages.warning(request, words)


def _preview(form: MethodForm) -> dict[str, Any]:
    """What a customer sees of it beside an invoice, by the customer's own template; no code of what is not valid."""
    is_wrong = bool(form.errors)
    method = form.instance
    if not method.is_sound:
        return {"is_wrong": True}
    invoice = _example(method)
    languages = [code for code, words in method.instructions.items() if words]
    first = "en" if "en" in languages else next(iter(languages), "en")
    shown = way(method, invoice, first)
    if is_wrong:
        shown["code"] = ""
    return {
        "is_wrong": is_wrong,
        "invoice": invoice,
        "shown": shown,
        "others": [instructions_for(method, invoice, code) for code in languages if code != first],
        "no_code": code_problem(method) if method.fields and not is_wrong else None,
    }


def _example(method: PaymentMethod) -> Invoice:
    today = today_in("UTC", database_now())
    prices = PlanPrice.objects.offered().filter(plan__is_public=True, amount__gt=0, interval="month")
    if method.currency:
        prices = prices.filter(currency=method.currency)
    price = prices.order_by("plan__position", "-currency").first()
    return Invoice(
        account=Account(name="Example & Sons"),
        number="INV-000123",
        payment_reference="K2M7X4R907",
        status=Invoice.Status.PENDING,
        currency=price.currency if price else method.currency if is_currency(method.currency) else "USD",
        total=price.amount if price else Decimal(100),
        issued_on=today,
        due_on=first_due_on(today, Policy.current()),
    )
