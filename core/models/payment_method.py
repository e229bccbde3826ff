"""The ways in which money may arrive."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q

from core.models.row import MoneyField, Row, not_negative


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def offered_in(self, country: str) -> PaymentMethodQuerySet:
        """Enabled methods: the country's own first, then the global ones, each in their order."""
        return self.filter(Q(country=country) | Q(country=""), is_enabled=True).order_by(
            models.Case(models.When(country="", then=1), default=0), "position", "code"
        )


class PaymentMethod(Row):
    """A place to send money to, with instructions for the payer."""

    class Kind(models.TextChoices):
        BANK_TRANSFER = "bank_transfer"
        MOBILE_WALLET = "mobile_wallet"
        UPI = "upi"
        PIX = "pix"
        CASH = "cash"

    code = models.SlugField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind)
    country = models.CharField(max_length=2, blank=True)  # blank: offered everywhere
    currency = models.CharField(max_length=3, blank=True)  # blank: any
    instructions = models.JSONField(default=dict)  # language -> Markdown with {amount}, {currency}, {reference}...
    fields = models.JSONField(default=dict)  # what the payer types into the bank's form
    requires = models.JSONField(default=list)  # which of our claim's fields must be filled
    # How much of an invoice the banks on the way may keep before it counts as underpaid.
    tolerance_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tolerance_max = MoneyField(default=0)  # in the invoice's currency
    bank_lag_days = models.PositiveSmallIntegerField(default=0)
    position = models.PositiveSmallIntegerField(default=0)
    is_enabled = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                name="payment_method_tolerance_in_range",
                condition=not_negative("tolerance_max") & Q(tolerance_percent__gte=0, tolerance_percent__lte=100),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def tolerance(self, total: Decimal) -> Decimal:
        """How much of `total` may be missing, in the same currency."""
        return min(total * self.tolerance_percent / 100, self.tolerance_max)
