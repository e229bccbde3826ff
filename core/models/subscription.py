"""What an account has signed up for."""

from __future__ import annotations

from datetime import date

from django.db import models
from django_fsm import transition

from core.models.account import Account
from core.models.plan import Plan, PlanPrice
from core.models.row import MoneyField, not_negative
from core.models.stateful import Stateful, StatusField
from core.models.user import User


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, user: User) -> SubscriptionQuerySet:
        """Staff see every account's, members their own."""
        return self if user.is_staff else self.filter(account__memberships__user=user)


class Subscription(Stateful):
    """An account's plan, at the price and in the currency it was chosen.

    pending_payment -> active -> past_due -> suspended; any of them -> cancelled | expired.
    Coming back makes a new row.
    """

    class Status(models.TextChoices):
        PENDING_PAYMENT = "pending_payment"
        ACTIVE = "active"
        PAST_DUE = "past_due"
        SUSPENDED = "suspended"
        CANCELLED = "cancelled"
        EXPIRED = "expired"

    account = models.ForeignKey(Account, models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="+")
    status = StatusField(choices=Status, default=Status.PENDING_PAYMENT)
    currency = models.CharField(max_length=3)
    price = MoneyField()
    interval = models.CharField(max_length=5, choices=PlanPrice.Interval)
    # The day that period ends are counted from: 31 January, then 28 February, then 31 March.
    anchor_day = models.PositiveSmallIntegerField(null=True, blank=True)
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)  # the first day that is not paid for
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="subscription_one_open_per_account",
                fields=["account"],
                condition=models.Q(status__in=["active", "past_due", "suspended"]),
            ),
            models.CheckConstraint(name="subscription_price_in_range", condition=not_negative("price")),
        ]

    def __str__(self) -> str:
        return f"{self.plan} of {self.account}"

    @transition(field=status, source=Status.PENDING_PAYMENT, target=Status.ACTIVE)
    def activate(self, *, on: date, until: date) -> None:
        """Begin the first period, which ends where the next begins."""
        self.period_start, self.period_end, self.anchor_day = on, until, on.day
