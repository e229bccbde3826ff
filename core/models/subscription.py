"""What an account has signed up for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import models
from django_fsm import transition

from core.models.account import Account, Membership
from core.models.plan import Plan, PlanPrice
from core.models.row import MoneyField, not_negative
from core.models.stateful import Stateful, StatusField
from core.models.user import User


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, user: User) -> SubscriptionQuerySet:
        """Staff with a duty see every account's, members their own."""
        return self if user.sees_every_account() else self.filter(account__memberships__user=user)


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
    plan = models.ForeignKey(Plan, models.PROTECT, db_index=False, related_name="+")
    status = StatusField(choices=Status, default=Status.PENDING_PAYMENT)
    currency = models.CharField(max_length=3)
    price = MoneyField()
    interval = models.CharField(max_length=5, choices=PlanPrice.Interval)
    # The day that period ends are counted from: 31 January, then 28 February, then 31 March.
    anchor_day = models.PositiveSmallIntegerField(null=True, blank=True)
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)  # the first day that is not paid for
    cancel_at_period_end = models.BooleanField(default=False)
    # What the next period is of: a downgrade waits for it.
    next_plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    previous = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
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

    def may_be_changed_by(self, user: User) -> bool:
        return user.role_in(self.account_id) in Membership.MAY_PAY

    @transition(field=status, source=Status.PENDING_PAYMENT, target=Status.ACTIVE)
    def activate(self, *, on: date, until: date) -> None:
        """Begin the first period, which ends where the next begins."""
        self.period_start, self.period_end, self.anchor_day = on, until, on.day

    @transition(field=status, source=Status.ACTIVE, target=Status.ACTIVE)
    def renew(self, *, until: date, plan: UUID | None = None, price: Decimal | None = None) -> None:
        """Begin the next period, which starts where the last one ended; of another plan, if one was chosen for it."""
        self._begin_next(until, plan, price)

    @transition(field=status, source=Status.ACTIVE, target=Status.ACTIVE)
    def upgrade(self, *, plan: UUID, price: Decimal) -> None:
        """Go on in the same period with a larger plan, whose difference has been paid."""
        self.plan_id, self.price, self.next_plan_id = plan, price, None

    @transition(field=status, source=Status.ACTIVE, target=Status.PAST_DUE)
    def fall_behind(self) -> None:
        """Its renewal is overdue; the service goes on for now."""

    @transition(field=status, source=Status.PAST_DUE, target=Status.SUSPENDED)
    def suspend(self) -> None:
        """The grace is over."""

    @transition(field=status, source=[Status.PAST_DUE, Status.SUSPENDED], target=Status.ACTIVE)
    def recover(self, *, until: date | None = None, plan: UUID | None = None, price: Decimal | None = None) -> None:
        """What was overdue has been paid: go on, in the period that was paid for, and of the plan it was paid for."""
        if until is not None:
            self._begin_next(until, plan, price)

    @transition(field=status, source=Status.PENDING_PAYMENT, target=Status.EXPIRED)
    def expire(self) -> None:
        """Nobody paid for it."""

    @transition(
        field=status,
        source=[Status.PENDING_PAYMENT, Status.ACTIVE, Status.PAST_DUE, Status.SUSPENDED],
        target=Status.CANCELLED,
        permission=may_be_changed_by,
    )
    def cancel(self, *, by: User) -> None:
        """The customer wants no more of it, from now on."""

    @transition(
        field=status,
        source=[Status.PENDING_PAYMENT, Status.ACTIVE, Status.PAST_DUE, Status.SUSPENDED],
        target=Status.CANCELLED,
    )
    def end(self) -> None:
        """Its last period is over, another takes its place, or nobody has paid for too long."""

    def _begin_next(self, until: date, plan: UUID | None, price: Decimal | None) -> None:
        self.period_start, self.period_end = self.period_end, until
        if plan is not None and price is not None:
            self.plan_id, self.price = plan, price
        if self.next_plan_id == self.plan_id:  # what was chosen for later has come
            self.next_plan_id = None
