from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.models import Plan, PlanPrice
from core.money import is_currency, money_text
from core.problems import Problem
from web.amounts import grouped
from web.forms.base import PageForm
from web.forms.fields import Amount, Choice, Line, Whole
from web.problem_messages import problem_message
from web.staff.access import ADD_PLAN, ADD_PRICE, CHANGE_PLAN, PLANS, RETIRE_PRICE, StaffRequest, staff_with
from web.staff_settings.changes import log_change
from workflows.actions.plans import retire_plan, retire_prices, save_plan, set_price
from workflows.reporting.plan_use import subscriptions_by_price
from workflows.security.rights import check_may_set, may_set

MOST_PLANS = 100
LARGEST = 2**31 - 1
INTERVALS = [("month", "Month"), ("year", "Year")]


class PlanForm(PageForm):
    name = Line(max_length=100, label="Name")
    credits = Whole(max_value=LARGEST, label="Credits", help_text="A month; once, where there is a trial.")
    max_sites = Whole(required=False, max_value=LARGEST, label="Sites at most", help_text="Empty: no limit.")
    max_users = Whole(
        required=False, min_value=1, max_value=LARGEST, label="People at most", help_text="Empty: no limit."
    )
    trial_days = Whole(max_value=365, label="Days to try it", help_text="0: no trial. A free plan needs one.")
    position = Whole(max_value=32767, label="Place in the list", help_text="The smallest comes first.")
    is_public = forms.BooleanField(
        required=False, label="Offered to everybody", help_text="Otherwise only staff can give it."
    )


class NewPlanForm(PlanForm):
    code = forms.SlugField(
        max_length=30, label="Code", help_text="For programs, such as starter. It stays once the plan is in use."
    )
    field_order = ["name", "code"]


class PriceForm(PageForm):
    currency = Line(max_length=3, label="Currency", help_text="Such as USD")
    interval = Choice(choices=INTERVALS, label="For a")
    amount = Amount(label="Price")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        typed = str(self["currency"].value() or "").strip().upper()
        amount: Any = self.fields["amount"]
        amount.currency, amount.is_free = typed if is_currency(typed) else "USD", True
        self.fields["currency"].widget.attrs |= {"dir": "ltr", "autocapitalize": "characters", "autocomplete": "off"}

    def clean_currency(self) -> str:
        code: str = self.cleaned_data["currency"].upper()
        if not is_currency(code):
            raise forms.ValidationError("Use a currency code of ISO 4217, such as USD.")
        return code


@staff_with(*PLANS)
def plans_page(request: StaffRequest) -> HttpResponse:
    plans = Plan.objects.order_by("position", "name").prefetch_related("prices")[:MOST_PLANS]
    rows = [(plan, sorted(plan.offers(), key=lambda price: (price.currency, price.interval))) for plan in plans]
    context = {"plans": rows, "may_add": may_set(request.user, ADD_PLAN)}
    return render(request, "web/staff/settings/plans.html", context)


@staff_with(ADD_PLAN)
def new_plan(request: StaffRequest) -> HttpResponse:
    first = {"trial_days": 0, "position": 0}
    form, status = NewPlanForm(request.POST if request.method == "POST" else None, initial=first), 200
    if form.is_valid():
        try:
            # It is shown to customers when it has a price.
            plan = save_plan(Plan(), by=request.user, **form.cleaned_data)
        except Problem as problem:
            form.refuse(problem)
            status = problem.status
        else:
            log_change(request, plan, form, is_new=True)
            messages.success(request, "Added. Now give it a price.")
            return redirect("settings_plan", pk=plan.pk)
    return render(request, "web/staff/settings/new_plan.html", {"form": form}, status=status)


@staff_with(*PLANS)
def plan_page(request: StaffRequest, pk: UUID) -> HttpResponse:
    """`verb`: save, or price."""
    plan = get_object_or_404(Plan, pk=pk)
    forms_, status = {"save": _plan_form(plan), "price": PriceForm(auto_id="price_%s")}, 200
    if request.method == "POST":
        verb = request.POST.get("verb", "")
        if verb not in forms_:
            raise Http404
        check_may_set(request.user, CHANGE_PLAN if verb == "save" else ADD_PRICE)
        form = forms_[verb] = (
            _plan_form(plan, request.POST) if verb == "save" else PriceForm(request.POST, auto_id="price_%s")
        )
        if form.is_valid():
            try:
                done = _save(request, plan, form) if verb == "save" else _price(request, plan, form)
            except Problem as problem:
                form.refuse(problem)
                status = problem.status
                plan.refresh_from_db()
            else:
                messages.success(request, done)
                return redirect("settings_plan", pk=pk)
    return _plan_page(request, plan, forms_, status=status)


@staff_with(CHANGE_PLAN)
def retire(request: StaffRequest, pk: UUID) -> HttpResponse:
    plan = get_object_or_404(Plan, pk=pk)
    if request.method == "POST":
        try:
            retired = retire_plan(plan, by=request.user)
        except Problem as problem:
            messages.error(request, problem_message(problem))
        else:
            log_change(request, plan, f"Retired, with {len(retired)} prices.")
            messages.success(request, f"{plan} is offered to nobody any more. Who has it keeps it.")
        return redirect("settings_plan", pk=pk)
    return render(request, "web/staff/settings/retire_plan.html", {"plan": plan, "running": _running(plan)})


@staff_with(RETIRE_PRICE)
@require_POST
def retire_price(request: StaffRequest, pk: UUID) -> HttpResponse:
    price = get_object_or_404(PlanPrice.objects.select_related("plan"), pk=pk)
    try:
        retired = retire_prices([price], by=request.user)
    except Problem as problem:
        messages.error(request, problem_message(problem))
    else:
        for each in retired:
            log_change(request, each, "Retired.")
        messages.success(request, "It is not offered any more. Who chose it keeps it.")
    return redirect("settings_plan", pk=price.plan_id)


def _save(request: StaffRequest, plan: Plan, form: PageForm) -> str:
    save_plan(plan, by=request.user, **{name: form.cleaned_data[name] for name in form.changed_data})
    log_change(request, plan, form)
    return "Saved."


def _price(request: StaffRequest, plan: Plan, form: PageForm) -> str:
    price = set_price(plan, by=request.user, **form.cleaned_data)
    words = f"{grouped(money_text(price.amount, price.currency))} {price.currency} a {price.interval}"
    log_change(request, plan, f"Set a price: {words}.")
    return f"From now on it costs {words}. Who chose another price keeps it."


def _plan_form(plan: Plan, data: Any = None) -> PlanForm:
    return PlanForm(data, initial={name: getattr(plan, name) for name in PlanForm.base_fields})


def _plan_page(request: StaffRequest, plan: Plan, forms_: dict[str, PageForm], *, status: int) -> HttpResponse:
    used = subscriptions_by_price(plan)
    offered = list(PlanPrice.objects.offered().filter(plan=plan).order_by("currency", "interval"))
    rows = [(price, used.pop((price.currency, price.interval, price.amount), 0)) for price in offered]
    context = {
        "plan": plan,
        "forms": forms_,
        "prices": rows,
        "earlier": [(*key, count) for key, count in used.items()],
        "running": sum(count for _, count in rows) + sum(used.values()),
        "may_change": may_set(request.user, CHANGE_PLAN),
        "may_price": may_set(request.user, ADD_PRICE),
        "may_retire": may_set(request.user, RETIRE_PRICE),
    }
    return render(request, "web/staff/settings/plan.html", context, status=status)


def _running(plan: Plan) -> int:
    return sum(subscriptions_by_price(plan).values())
