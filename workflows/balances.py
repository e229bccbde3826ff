"""What a customer's payments have left over, per currency."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from core.models import BalanceEntry, Payment


def balance_of(account_id: UUID) -> dict[str, Decimal]:
    """The balance per currency, zeros left out."""
    rows = BalanceEntry.objects.filter(account_id=account_id).values("currency").annotate(total=Sum("amount"))
    return {row["currency"]: row["total"] for row in rows if row["total"]}


def open_remainders(account_id: UUID, currency: str) -> list[tuple[Payment, Decimal]]:
    """Payments with something left, the oldest first, each with how much; none whose money went back."""
    good = Payment.objects.filter(account_id=account_id, status=Payment.Status.SUCCEEDED)
    payments = good.filter(balance_entries__currency=currency)
    found = payments.annotate(left=Sum("balance_entries__amount")).filter(left__gt=0).order_by("pk")
    return [(payment, payment.left) for payment in found]
