"""What an account owes, and the subscriptions it owes it for."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.caller import CallerView
from api.fields import Money
from core.models import Invoice, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import SubscriptionQuerySet
from workflows.engine import available


class InvoiceOut(serializers.Serializer):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    subscription_id = serializers.UUIDField()
    number = serializers.CharField()
    status = serializers.CharField()
    currency = serializers.CharField()
    total = Money("total")
    allocated = Money("allocated")
    outstanding = Money("outstanding")
    issued_on = serializers.DateField()
    due_on = serializers.DateField()
    payment_method = serializers.CharField(source="payment_method.code", default=None)
    metadata = serializers.JSONField()
    available_transitions = serializers.SerializerMethodField()

    def get_available_transitions(self, invoice: Invoice) -> list[str]:
        return available(invoice, self.context["request"].user)


class SubscriptionOut(serializers.Serializer):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    plan = serializers.CharField(source="plan.code")
    status = serializers.CharField()
    currency = serializers.CharField()
    price = Money("price")
    interval = serializers.CharField()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    available_transitions = serializers.SerializerMethodField()

    def get_available_transitions(self, subscription: Subscription) -> list[str]:
        return available(subscription, self.context["request"].user)


class Invoices(CallerView, ReadOnlyModelViewSet):
    """GET billing/invoices/, billing/invoices/{id}/"""

    serializer_class = InvoiceOut

    def get_queryset(self) -> InvoiceQuerySet:
        return Invoice.objects.visible_to(self.caller).select_related("payment_method")


class Subscriptions(CallerView, ReadOnlyModelViewSet):
    """GET billing/subscriptions/, billing/subscriptions/{id}/"""

    serializer_class = SubscriptionOut

    def get_queryset(self) -> SubscriptionQuerySet:
        return Subscription.objects.visible_to(self.caller).select_related("plan")
