from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models
from django_fsm import transition

from core.models.account import Account, Membership
from core.models.base import MoneyField, StatefulModel, not_negative_amount
from core.models.plan import Plan, PlanPrice
from core.models.user import User
from core.money import quantize
from engine.stateful import StatusField


@dataclass(frozen=True)
class Terms:
    """As agreed, whatever the catalogue says by now. price: of one interval; credits: a month."""

    plan_id: UUID
    price: Decimal
    credits: int
    interval: str
    includes_tax: bool = True  # else tax is added to the price

    @classmethod
    def of(cls, price: PlanPrice) -> Terms:
        amount = quantize(price.amount, price.currency)
        return cls(price.plan_id, amount, price.plan.credits, price.interval, price.includes_tax)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, user: User) -> SubscriptionQuerySet:
        return self if user.can_read_all_accounts() else self.filter(account__memberships__user=user)


class Subscription(StatefulModel):
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
    includes_tax = models.BooleanField(default=True, db_default=True)  # else tax is added to the price
    interval = models.CharField(max_length=5, choices=PlanPrice.Interval)
    credits = models.PositiveIntegerField(null=True, blank=True)  # a month; null: those of its plan
    # Period ends are counted from it: 31 January, then 28 February, then 31 March.
    anchor_day = models.PositiveSmallIntegerField(null=True, blank=True)
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)  # the first day that is not paid for
    cancel_at_period_end = models.BooleanField(default=False)
    # A smaller plan or another interval begins with the next period.
    next_plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    next_price = MoneyField(null=True, blank=True)
    next_credits = models.PositiveIntegerField(null=True, blank=True)
    next_interval = models.CharField(  # noqa: DJ001 - null with the others: nothing is chosen
        max_length=5, choices=PlanPrice.Interval, null=True, blank=True
    )
    next_includes_tax = models.BooleanField(default=True, db_default=True)
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
            models.CheckConstraint(name="subscription_price_in_range", condition=not_negative_amount("price")),
            models.CheckConstraint(
                name="subscription_next_is_whole",
                condition=models.Q(
                    next_plan__isnull=True,
                    next_price__isnull=True,
                    next_credits__isnull=True,
                    next_interval__isnull=True,
                )
                | (
                    models.Q(
                        next_plan__isnull=False,
                        next_price__isnull=False,
                        next_credits__isnull=False,
                        next_interval__isnull=False,
                    )
                    & not_negative_amount("next_price")
                ),
            ),
            # The later of the two choices counts.
            models.CheckConstraint(
                name="subscription_ends_or_goes_on",
                condition=models.Q(cancel_at_period_end=False) | models.Q(next_plan__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} of {self.account}"

    @property
    def renews_on(self) -> date | None:
        """None if the subscription ends before, or has not begun."""
        return None if self.cancel_at_period_end else self.period_end

    def may_be_changed_by(self, user: User) -> bool:
        return user.role_in(self.account_id) in Membership.MAY_PAY

    @transition(field=status, source=Status.PENDING_PAYMENT, target=Status.ACTIVE)
    def activate(self, *, on: date, until: date) -> None:
        """until: the first day of the next period."""
        self.period_start, self.period_end, self.anchor_day = on, until, on.day

    @transition(field=status, source=Status.ACTIVE, target=Status.ACTIVE)
    def renew(self, *, until: date, **terms: Any) -> None:
        """terms: those chosen for the period."""
        self._begin_next(until, **terms)

    @transition(field=status, source=Status.ACTIVE, target=Status.ACTIVE)
    def upgrade(self, *, plan: UUID, price: Decimal, credits_a_month: int, includes_tax: bool = True) -> None:
        """The difference has been paid. Takes back a choice to end."""
        self.plan_id, self.price, self.credits, self.includes_tax = plan, price, credits_a_month, includes_tax
        self.cancel_at_period_end = False
        self.choose_next(None)

    @transition(field=status, source=Status.ACTIVE, target=Status.PAST_DUE)
    def fall_behind(self) -> None:
        """The service goes on for now."""

    @transition(field=status, source=Status.PAST_DUE, target=Status.SUSPENDED)
    def suspend(self) -> None:
        """The grace period is over."""

    @transition(field=status, source=[Status.PAST_DUE, Status.SUSPENDED], target=Status.ACTIVE)
    def recover(self, *, until: date | None = None, **terms: Any) -> None:
        """until, terms: of the next period, if it begins with this."""
        if until is not None:
            self._begin_next(until, **terms)

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
        """At once, by the customer."""

    @transition(
        field=status,
        source=[Status.PENDING_PAYMENT, Status.ACTIVE, Status.PAST_DUE, Status.SUSPENDED],
        target=Status.CANCELLED,
    )
    def end(self) -> None:
        """Its last period is over, another replaces it, or it was not paid for too long."""

    @property
    def terms(self) -> Terms:
        a_month = self.plan.credits if self.credits is None else self.credits
        return Terms(self.plan_id, self.price, a_month, self.interval, self.includes_tax)

    @property
    def next_terms(self) -> Terms:
        if self.next_plan_id is None:
            return self.terms
        assert self.next_price is not None
        assert self.next_credits is not None
        assert self.next_interval is not None
        return Terms(self.next_plan_id, self.next_price, self.next_credits, self.next_interval, self.next_includes_tax)

    def choose_next(self, terms: Terms | None) -> None:
        """None: those of this period."""
        self.next_plan_id, self.next_price, self.next_credits, self.next_interval = (
            (None, None, None, None) if terms is None else (terms.plan_id, terms.price, terms.credits, terms.interval)
        )
        self.next_includes_tax = terms is None or terms.includes_tax

    def _begin_next(
        self,
        until: date,
        plan: UUID | None = None,
        price: Decimal | None = None,
        credits_a_month: int | None = None,
        interval: str | None = None,
        includes_tax: bool = True,
    ) -> None:
        self.period_start, self.period_end = self.period_end, until
        if plan is not None and price is not None:
            self.plan_id, self.price, self.credits = plan, price, credits_a_month
            self.interval, self.includes_tax = interval or self.interval, includes_tax
        if (self.next_plan_id, self.next_interval) == (self.plan_id, self.interval):
            self.choose_next(None)


ACTIVE_STATUSES = (Subscription.Status.ACTIVE, Subscription.Status.PAST_DUE, Subscription.Status.SUSPENDED)
NEXT = ("next_plan", "next_price", "next_credits", "next_interval", "next_includes_tax")
