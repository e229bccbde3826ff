from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from core.models.base import BaseModel, MoneyField
from core.models.guards import LinesWhileDraft
from core.models.invoice import Invoice
from core.money import CEILING
from engine.triggers import AppendOnly

LONGEST_DESCRIPTION = 300


class InvoiceLine(BaseModel):
    """What is billed, in the customer's language: written before its invoice is issued, never changed."""

    class Kind(models.TextChoices):
        SUBSCRIPTION = "subscription"
        CREDITS = "credits"

    class Unit(models.TextChoices):  # UN/ECE Recommendation 20
        PIECE = "C62"
        MONTH = "MON"
        YEAR = "ANN"

    class Category(models.TextChoices):  # UNTDID 5305, as EN 16931 has them
        STANDARD = "S"
        ZERO = "Z"
        EXEMPT = "E"
        REVERSE_CHARGE = "AE"
        OUTSIDE_SCOPE = "O"
        EXPORT = "G"
        INTRA_COMMUNITY = "K"

    invoice = models.ForeignKey(Invoice, models.PROTECT, db_index=False, related_name="lines")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SUBSCRIPTION)
    description = models.CharField(max_length=LONGEST_DESCRIPTION)
    quantity = models.DecimalField(max_digits=15, decimal_places=4, default=Decimal(1))  # negative: what is given back
    unit = models.CharField(max_length=3, choices=Unit, default=Unit.PIECE)
    unit_price = models.DecimalField(max_digits=21, decimal_places=6)  # without tax
    net = MoneyField()
    amount = MoneyField()  # as it was priced: with tax where prices include it
    tax_category = models.CharField(max_length=2, choices=Category)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3)  # percent
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)  # the first day after it

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(name="invoice_line_position", fields=["invoice", "position"]),
            models.CheckConstraint(
                name="invoice_line_in_range", condition=Q(net__gt=-CEILING, net__lt=CEILING) & ~Q(quantity=0)
            ),
            models.CheckConstraint(
                name="invoice_line_rate",
                condition=Q(tax_category="S", tax_rate__gte=0, tax_rate__lte=100) | Q(tax_rate=0),
            ),
            LinesWhileDraft(name="invoice_line_while_draft"),
            AppendOnly(name="invoice_line_append_only"),
        ]

    def __str__(self) -> str:
        return self.description


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """One line made of the invoice's own columns for the oldest, which have none."""
    lines = list(invoice.lines.all())
    if lines:
        return lines
    return [
        InvoiceLine(
            invoice=invoice,
            position=1,
            description=invoice.plan_name or _("Subscription"),
            unit_price=invoice.total,
            net=invoice.total,
            amount=invoice.total,
            tax_category=InvoiceLine.Category.OUTSIDE_SCOPE,
            tax_rate=Decimal(0),
            period_start=invoice.period_start,
            period_end=invoice.period_end,
        )
    ]
