"""What can be subscribed to."""

from __future__ import annotations

from django.db import models

from core.models.row import MoneyField, Row, not_negative


class Plan(Row):
    """A named bundle of credits and limits. Its prices are rows, one per currency and interval."""

    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    credits = models.PositiveIntegerField()  # a month; once where there is a trial
    trial_days = models.PositiveSmallIntegerField(default=0)
    max_sites = models.PositiveIntegerField(null=True, blank=True)  # null: no limit
    max_users = models.PositiveIntegerField(null=True, blank=True)
    is_public = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name


class PlanPrice(Row):
    """What a plan costs in one currency for one interval."""

    class Interval(models.TextChoices):
        MONTH = "month"
        YEAR = "year"

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3)
    interval = models.CharField(max_length=5, choices=Interval, default=Interval.MONTH)
    amount = MoneyField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="plan_price_once", fields=["plan", "currency", "interval"]),
            models.CheckConstraint(name="plan_price_in_range", condition=not_negative("amount")),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.amount} {self.currency} a {self.interval}"
