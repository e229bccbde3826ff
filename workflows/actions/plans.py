from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import Plan, PlanPrice, User
from core.problems import Conflict, ValidationError
from workflows.periods import database_now
from workflows.security.rights import check_may_set

ADD_PLAN, CHANGE_PLAN = "core.add_plan", "core.change_plan"
ADD_PRICE, RETIRE_PRICE = "core.add_planprice", "core.change_planprice"


def save_plan(plan: Plan, *, by: User, **fields: Any) -> Plan:
    """Add a plan, or change one. fields: columns of Plan.

    Raises PermissionDenied, ValidationError, Conflict if another plan has the code.
    """
    check_may_set(by, ADD_PLAN if plan._state.adding else CHANGE_PLAN)
    for name, value in fields.items():
        setattr(plan, name, value)
    _check(plan)
    try:
        with atomic():
            plan.save()
    except IntegrityError as error:
        raise Conflict("Another plan has this code.") from error
    return plan


def set_price(plan: Plan, *, currency: str, interval: str, amount: Decimal, by: User) -> PlanPrice:
    """Retires the price of that currency and interval, if one is offered. Subscriptions keep what they chose.

    Raises PermissionDenied, ValidationError.
    """
    check_may_set(by, ADD_PRICE)
    with atomic():
        Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
        old = PlanPrice.objects.offered().filter(plan=plan, currency=currency, interval=interval).first()
        if old is not None:
            if old.amount == amount:
                raise ValidationError({"amount": ["This is what it costs already."]})
            retire_prices([old], by=by)
        new = PlanPrice(plan=plan, currency=currency, interval=interval, amount=amount)
        _check(new)
        new.save()
    return new


def retire_prices(prices: Iterable[PlanPrice], *, by: User) -> list[PlanPrice]:
    """Returns those that were still offered."""
    check_may_set(by, RETIRE_PRICE)
    with atomic():
        offered = PlanPrice.objects.offered().filter(pk__in=[price.pk for price in prices]).order_by("pk")
        retired = list(offered.select_related("plan").select_for_update(of=("self",)))
        now = database_now()
        PlanPrice.objects.filter(pk__in=[price.pk for price in retired]).update(retired_at=now)
        for price in retired:
            price.retired_at = now
    return retired


def retire_plan(plan: Plan, *, by: User) -> list[PlanPrice]:
    """Hides it and retires its prices, which are returned. Subscriptions go on."""
    with atomic():
        save_plan(plan, by=by, is_public=False)
        return retire_prices(plan.prices.all(), by=by)


def _check(row: Plan | PlanPrice) -> None:
    try:
        row.full_clean()
    except Invalid as error:
        raise ValidationError(error.message_dict) from error
