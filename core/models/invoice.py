"""What an account owes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django_fsm import RETURN_VALUE, transition

from core.models.account import Account
from core.models.payment_method import PaymentMethod
from core.models.row import MoneyField, not_negative
from core.models.stateful import Stateful, StatusField
from core.models.subscription import Subscription
from core.models.user import User


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def visible_to(self, user: User) -> InvoiceQuerySet:
        """Staff see every account's, members their own."""
        return self if user.is_staff else self.filter(account__memberships__user=user)

    def overdue(self, today: date) -> InvoiceQuerySet:
        return self.filter(status__in=Invoice.OPEN, due_on__lt=today)


class Invoice(Stateful):
    """A demand for money, frozen when it is issued.

    draft -> pending -> partially_paid -> paid, by what payments allocate to it; void and uncollectible say no.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        PENDING = "pending"
        PARTIALLY_PAID = "partially_paid"
        PAID = "paid"
        VOID = "void"
        UNCOLLECTIBLE = "uncollectible"

    OPEN = (Status.PENDING, Status.PARTIALLY_PAID)

    account = models.ForeignKey(Account, models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey(Subscription, models.PROTECT, null=True, related_name="invoices")
    status = StatusField(choices=Status, default=Status.DRAFT)
    number = models.CharField(max_length=30, null=True, unique=True)  # noqa: DJ001 - null until issued, then gapless
    currency = models.CharField(max_length=3)
    total = MoneyField()
    allocated = MoneyField(default=Decimal(0))  # cached: the sum of its Allocations
    payment_method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, related_name="+")
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    metadata = models.JSONField(default=dict)  # subscription_id, billing_snapshot
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invoice_amounts_in_range",
                condition=not_negative("total", "allocated") & Q(allocated__lte=F("total")),
            ),
            models.CheckConstraint(
                name="invoice_status_follows_allocations",
                condition=Q(status__in=["draft", "pending", "void"], allocated=0)
                | Q(status="partially_paid", allocated__gt=0, allocated__lt=F("total"))
                | Q(status="paid", allocated=F("total"))
                | Q(status="uncollectible", allocated__lt=F("total")),
            ),
            models.CheckConstraint(
                name="invoice_issued_is_complete",
                condition=Q(status="draft") | Q(number__isnull=False, issued_on__isnull=False, due_on__isnull=False),
            ),
            # What a payment's foreign key points at, so that it cannot cross tenants.
            models.UniqueConstraint(name="invoice_of_account", fields=["account", "id"]),
        ]
        indexes = [
            models.Index(
                name="invoice_open_by_due",
                fields=["due_on", "id"],
                condition=Q(status__in=["pending", "partially_paid"]),
            ),
        ]

    def __str__(self) -> str:
        return self.number or "draft invoice"

    @property
    def outstanding(self) -> Decimal:
        """What is still open, in `currency`."""
        return self.total - self.allocated

    @transition(field=status, source=Status.DRAFT, target=Status.PENDING)
    def issue(self, *, number: str, issued_on: date, due_on: date, snapshot: dict[str, Any]) -> None:
        """Fix number, dates and the customer's details: from here on nothing of it is edited."""
        self.number, self.issued_on, self.due_on = number, issued_on, due_on
        self.metadata = {**self.metadata, "billing_snapshot": snapshot}

    @transition(
        field=status,
        source=[*OPEN, Status.UNCOLLECTIBLE],
        target=RETURN_VALUE(Status.PARTIALLY_PAID, Status.PAID),
    )
    def pay(self, *, amount: Decimal) -> Invoice.Status:
        """Take money of a payment; at most what is outstanding."""
        self.allocated += amount
        return self.Status.PAID if self.allocated == self.total else self.Status.PARTIALLY_PAID


class NumberSeries(models.Model):
    """The next number of a series. Its row lock is what makes numbers gapless."""

    code = models.CharField(max_length=20, primary_key=True)
    next = models.PositiveBigIntegerField(default=1)

    class Meta:
        verbose_name_plural = "number series"

    def __str__(self) -> str:
        return self.code
