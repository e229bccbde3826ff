from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Prefetch, Q

from core.models.base import BaseModel, MoneyField, fits_currency, is_code, is_referred_to, not_negative_amount
from core.models.guards import CodeKept
from core.money import CEILING, is_currency, quantize

log = logging.getLogger(__name__)

TRIAL_DAYS_AT_MOST = 365
NO_TRIAL = "A free plan is a trial: say how many days it lasts, or nobody could use it."
FREE = "free"  # the plan of a sign-up that names none


class PlanQuerySet(models.QuerySet["Plan"]):
    def public(self) -> PlanQuerySet:
        return self.filter(is_public=True).prefetch_related(Prefetch("prices", PlanPrice.objects.offered()))


class Plan(BaseModel):
    """Credits and limits. Its prices are rows, one per currency and interval."""

    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    credits = models.PositiveIntegerField()  # a month; once where there is a trial
    trial_days = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(TRIAL_DAYS_AT_MOST)])
    max_sites = models.PositiveIntegerField(null=True, blank=True)  # null: no limit
    # null: no limit. The one who signs up counts.
    max_users = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    is_public = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                name="plan_in_range",
                condition=Q(trial_days__lte=TRIAL_DAYS_AT_MOST) & (Q(max_users=None) | Q(max_users__gte=1)),
            ),
            CodeKept(
                name="plan_code_kept",
                references=[
                    ("core_invoice", "plan_id"),
                    ("core_subscription", "plan_id"),
                    ("core_subscription", "next_plan_id"),
                ],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def offers(self) -> list[PlanPrice]:
        """Unsound prices, saved without the forms, are left out and logged."""
        return [price for price in self.prices.all() if price.retired_at is None and _is_sound(price)]

    def offer(self, currency: str, interval: str) -> PlanPrice | None:
        return next((each for each in self.offers() if (each.currency, each.interval) == (currency, interval)), None)

    @property
    def keeps_code(self) -> bool:
        return not self._state.adding and (self.code == FREE or is_referred_to(self))

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        before = None if self._state.adding else Plan.objects.filter(pk=self.pk).first()
        if before is not None and before.code != self.code and before.keeps_code:
            errors["code"] = f'The code "{before.code}" is in use and stays. The name can be changed.'
        if before is not None and self.is_public and not self.trial_days and self._is_free():
            errors["trial_days"] = NO_TRIAL
        if errors:
            raise ValidationError(errors)

    def _is_free(self) -> bool:
        return any(price.amount == 0 for price in self.prices.all() if price.retired_at is None)


class PlanPriceQuerySet(models.QuerySet["PlanPrice"]):
    def offered(self) -> PlanPriceQuerySet:
        return self.filter(retired_at=None)


class PlanPrice(BaseModel):
    """Never changed or deleted, only retired and replaced. Subscriptions keep the price that they chose."""

    class Interval(models.TextChoices):
        MONTH = "month"
        YEAR = "year"

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=5, choices=Interval, default=Interval.MONTH)
    amount = MoneyField()
    includes_tax = models.BooleanField(default=True, db_default=True)  # else tax is added to it
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)  # null: offered

    objects = PlanPriceQuerySet.as_manager()

    # Prices that are retired when this one is created; set by the caller.
    replaces: Collection[UUID] = ()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="plan_price_offered_once", fields=["plan", "currency", "interval"], condition=Q(retired_at=None)
            ),
            models.CheckConstraint(name="plan_price_in_range", condition=not_negative_amount("amount")),
            models.CheckConstraint(
                name="plan_price_can_be_paid",
                condition=Q(retired_at__isnull=False)
                | (is_code("currency", 3) & fits_currency("amount") & Q(interval__in=["month", "year"])),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.amount} {self.currency} a {self.interval}"

    @property
    def is_sound(self) -> bool:
        return is_currency(self.currency) and self.amount == quantize(self.amount, self.currency)

    def clean(self) -> None:
        """Django checks no constraint whose condition a form does not show."""
        errors: dict[str, Any] = {}
        if not is_currency(self.currency or ""):
            errors["currency"] = "Use a currency code of ISO 4217, such as USD."
        if self.amount is not None and self.amount < 0:
            errors["amount"] = "A price is not below zero."
        elif self.amount is not None and self.amount >= CEILING:
            errors["amount"] = f"A price is below {CEILING:,}."
        elif self.amount is not None and "currency" not in errors and not self.is_sound:
            errors["amount"] = f"{self.currency} has fewer digits after the point."
        if not errors and self._is_offered_already():
            errors["currency"] = (
                f"A price in {self.currency} for a {self.interval} is offered already: retire it first."
            )
        if not errors and self.amount == 0 and self.retired_at is None and self._plan_has_no_trial():
            errors["amount"] = NO_TRIAL
        if errors:
            raise ValidationError(errors)

    def _is_offered_already(self) -> bool:
        if self.retired_at is not None or self.plan_id is None:
            return False
        same = PlanPrice.objects.offered().filter(plan=self.plan_id, currency=self.currency, interval=self.interval)
        return same.exclude(pk__in=[self.pk, *self.replaces]).exists()

    def _plan_has_no_trial(self) -> bool:
        plan: Plan | None = getattr(self, "plan", None)  # one that is added with its prices has no key yet
        return plan is not None and plan.is_public and not plan.trial_days


def _is_sound(price: PlanPrice) -> bool:
    if not price.is_sound:
        log.error("price %s of %s %r is left out: it cannot be paid", price.pk, price.amount, price.currency)
    return price.is_sound
