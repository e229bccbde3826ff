"""What an account owes, and the subscriptions it owes it for."""

from __future__ import annotations

from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.accounts import account_of
from api.door import CallerView
from api.fields import Currency, Money, StrictSerializer, Text
from api.plans import find_method
from core.models import Invoice, Plan, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import SubscriptionQuerySet
from core.problems import ValidationError
from workflows.actions import cancel_at_period_end, choose_plan
from workflows.engine import available, perform


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
    cancel_at_period_end = serializers.BooleanField()
    next_plan = serializers.CharField(source="next_plan.code", default=None)
    available_transitions = serializers.SerializerMethodField()

    def get_available_transitions(self, subscription: Subscription) -> list[str]:
        return available(subscription, self.context["request"].user)


class Invoices(CallerView, ReadOnlyModelViewSet):
    """GET billing/invoices/, billing/invoices/{id}/"""

    serializer_class = InvoiceOut

    def get_queryset(self) -> InvoiceQuerySet:
        return Invoice.objects.visible_to(self.caller).select_related("payment_method")


class Subscriptions(CallerView, ReadOnlyModelViewSet):
    """GET, POST billing/subscriptions/, GET billing/subscriptions/{id}/, POST .../{id}/cancel/"""

    serializer_class = SubscriptionOut

    class In(StrictSerializer):
        plan = Text(max_length=30)
        currency = Currency(required=False)
        payment_method = Text(required=False, max_length=30)

    class Cancel(StrictSerializer):
        at_period_end = serializers.BooleanField(default=False)

    def create(self, request: Request) -> Response:
        """Choose a plan: a new subscription, an upgrade with its invoice, or a smaller plan for the next period."""
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        account = account_of(self.caller)
        plan = Plan.objects.filter(code=data["plan"], is_public=True).first()
        if plan is None:
            raise ValidationError({"plan": ["There is no such plan."]})
        method = find_method(data["payment_method"], account.country) if "payment_method" in data else None
        subscription, invoice = choose_plan(account, plan, by=self.caller, currency=data.get("currency"), method=method)
        context = {"request": request}
        return Response(
            {
                "subscription": SubscriptionOut(subscription, context=context).data,
                "invoice": invoice and InvoiceOut(invoice, context=context).data,
            },
            status=201,
        )

    def cancel(self, request: Request, pk: UUID) -> Response:
        subscription = self.get_object()
        form = self.Cancel(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data["at_period_end"]:
            subscription = cancel_at_period_end(subscription, by=self.caller)
        else:
            perform(subscription.cancel, by=self.caller)
        return Response(SubscriptionOut(subscription, context={"request": request}).data)

    def get_queryset(self) -> SubscriptionQuerySet:
        return Subscription.objects.visible_to(self.caller).select_related("plan")
