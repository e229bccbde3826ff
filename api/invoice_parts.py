"""What an invoice says of who bills, who is billed, and what for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from api.fields import MoneyText
from core.models import Invoice, InvoiceLine
from core.models.account import BILLING_FIELDS
from core.models.invoice_line import lines_of
from core.money import money_text


class SellerTaxIdOut(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()


class SellerOut(serializers.Serializer):
    """The business that bills, as it was called when the invoice was issued."""

    legal_name = serializers.CharField()
    brand_name = serializers.CharField()
    address_line1 = serializers.CharField()
    address_line2 = serializers.CharField()
    city = serializers.CharField()
    state = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()
    tax_ids = SellerTaxIdOut(many=True)
    registration = serializers.CharField()


class BilledToOut(serializers.Serializer):
    """The customer, as they were when the invoice was issued."""

    name = serializers.CharField()
    billing_email = serializers.CharField()
    address_line1 = serializers.CharField()
    address_line2 = serializers.CharField()
    city = serializers.CharField()
    state = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()
    tax_id = serializers.CharField()


class InvoiceLineOut(serializers.Serializer):
    position = serializers.IntegerField(help_text="From 1.")
    kind = serializers.ChoiceField(InvoiceLine.Kind.choices)
    description = serializers.CharField(help_text="In the customer's language.")
    quantity = serializers.CharField(help_text="Below zero: what is given back.")
    unit = serializers.ChoiceField(
        InvoiceLine.Unit.choices, help_text="UN/ECE Recommendation 20: a piece, a month or a year."
    )
    unit_price = serializers.CharField(help_text="Without tax; six decimals at most.")
    net = MoneyText(help_text="Without tax.")
    tax_rate = serializers.CharField(help_text="Percent.")
    tax_category = serializers.ChoiceField(InvoiceLine.Category.choices, help_text="As EN 16931 has them.")
    period_start = serializers.DateField(allow_null=True)
    period_end = serializers.DateField(allow_null=True, help_text="The first day after it.")


def billed_to(invoice: Invoice) -> dict[str, str]:
    return {"name": invoice.customer_name, **{name: invoice.snapshot.get(name, "") for name in BILLING_FIELDS}}


def lines_out(invoice: Invoice) -> list[dict[str, Any]]:
    rows = [
        {
            "position": line.position,
            "kind": line.kind,
            "description": line.description,
            "quantity": plain(line.quantity),
            "unit": line.unit,
            "unit_price": _price_text(line.unit_price, invoice.currency),
            "net": money_text(line.net, invoice.currency),
            "tax_rate": plain(line.tax_rate),
            "tax_category": line.tax_category,
            "period_start": line.period_start,
            "period_end": line.period_end,
        }
        for line in lines_of(invoice)
    ]
    return list(InvoiceLineOut(rows, many=True).data)


def plain(number: Decimal) -> str:
    """Without zeros at its end: `1`, `19`, `7.5`."""
    return f"{number.normalize():f}"


def _price_text(price: Decimal, currency: str) -> str:
    """As an amount, with more decimals where they matter."""
    amount = money_text(price, currency)
    return amount if Decimal(amount) == price else plain(price)
