from __future__ import annotations

from decimal import Decimal

from django.db.models import Count

from core.models import Plan, Subscription
from core.models.subscription import ACTIVE_STATUSES

Price = tuple[str, str, Decimal]  # currency, interval, amount


def subscriptions_by_price(plan: Plan) -> dict[Price, int]:
    """How many run, or wait for their first payment, at each price that they chose."""
    living = Subscription.objects.filter(plan=plan, status__in=[*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT])
    found = living.values_list("currency", "interval", "price").annotate(count=Count("pk"))
    return {
        (currency, interval, price): count for currency, interval, price, count in found.order_by("currency", "price")
    }
