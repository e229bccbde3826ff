from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import override
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.accounts import OverLimitOut, account_of, excess_out
from api.fields import Choice, Currency, Money, MoneyText, StrictBoolean, StrictSerializer, Text
from api.invoice_parts import BilledToOut, InvoiceLineOut, SellerOut, billed_to, lines_out
from api.plans import PayeeLineOut
from api.query import ListQuery
from api.views import CallerView, operation
from core.models import Invoice, PlanPrice, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import SubscriptionQuerySet
from core.money import money_text
from core.problems import Conflict, NotFound, PermissionDenied, TooManyRequests, WrongState
from engine import available, perform
from workflows.actions import cancel_at_period_end, choose_plan, find_method, find_plan, keep_plan
from workflows.actions.sites import excess_of
from workflows.mail.payment_instructions import instructions_for, reference_for, ways_to_pay
from workflows.periods import last_day_of


class InvoiceOut(serializers.Serializer):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    subscription_id = serializers.UUIDField(allow_null=True)
    number = serializers.CharField(allow_null=True)
    payment_reference = serializers.CharField(
        help_text="What the payer writes into the bank's form, with a check character. Fixed from the start."
    )
    status = serializers.ChoiceField(Invoice.Status.choices)
    currency = serializers.CharField()
    net = serializers.SerializerMethodField(help_text="The sum of the lines, without tax.")
    tax = serializers.SerializerMethodField()
    total = Money("total")
    credited = Money("credited", help_text="What credit notes took off the total.")
    allocated = Money("allocated")
    outstanding = Money("outstanding")
    issued_on = serializers.DateField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    payment_method = serializers.CharField(source="payment_method.code", default=None, allow_null=True)
    seller = SellerOut(allow_null=True, help_text="Null: the company was not named yet.")
    billed_to = serializers.SerializerMethodField()
    lines = serializers.SerializerMethodField()
    metadata = serializers.DictField(help_text="`subscription_id`, and `billing_snapshot` once it is issued.")
    available_transitions = serializers.SerializerMethodField()

    @extend_schema_field(MoneyText())
    def get_net(self, invoice: Invoice) -> str:
        return money_text(invoice.total if invoice.net is None else invoice.net, invoice.currency)

    @extend_schema_field(MoneyText())
    def get_tax(self, invoice: Invoice) -> str:
        """None was kept of the oldest, whose line is without tax."""
        return money_text(invoice.tax or Decimal(0), invoice.currency)

    @extend_schema_field(BilledToOut)
    def get_billed_to(self, invoice: Invoice) -> dict[str, str]:
        return billed_to(invoice)

    @extend_schema_field(InvoiceLineOut(many=True))
    def get_lines(self, invoice: Invoice) -> list[dict[str, Any]]:
        return lines_out(invoice)

    def get_available_transitions(self, invoice: Invoice) -> list[str]:
        return available(invoice, self.context["request"].user)


class InstructionsOut(serializers.Serializer):
    """How to pay one invoice by one method, in the words of `language`: as text, and as HTML that is safe to show."""

    payment_method = serializers.CharField(source="method.code")
    name = serializers.CharField(source="method.name")
    kind = serializers.CharField(source="method.kind")
    is_chosen = serializers.BooleanField()
    is_demo = serializers.BooleanField(source="method.is_demo")
    amount = serializers.CharField()
    currency = serializers.CharField()
    reference = serializers.CharField()
    due_on = serializers.DateField()
    payee = PayeeLineOut(many=True)
    language = serializers.CharField(source="instructions.language")
    direction = serializers.CharField(source="instructions.direction")
    text = serializers.CharField(source="instructions.text")
    html = serializers.CharField(source="instructions.html")


class InvoiceInFull(InvoiceOut):
    """One invoice, with how to pay it: the chosen method first. Nothing, once there is nothing to pay."""

    payment_instructions = serializers.SerializerMethodField()

    @extend_schema_field(InstructionsOut(many=True))
    def get_payment_instructions(self, invoice: Invoice) -> list[dict[str, Any]]:
        if invoice.status not in Invoice.OPEN:
            return []
        language = invoice.account.language
        with override(language):
            ways = [
                {
                    "method": method,
                    "is_chosen": method.pk == invoice.payment_method_id,
                    "amount": money_text(invoice.outstanding, invoice.currency),
                    "currency": invoice.currency,
                    "reference": reference_for(invoice, method),
                    "due_on": invoice.due_on,
                    "payee": method.payee(),
                    "instructions": instructions_for(method, invoice, language),
                }
                for method in ways_to_pay(invoice)
            ]
        return list(InstructionsOut(ways, many=True).data)


class SubscriptionOut(serializers.Serializer):
    id = serializers.UUIDField()
    account_id = serializers.UUIDField()
    plan = serializers.CharField(source="plan.code")
    status = serializers.ChoiceField(Subscription.Status.choices)
    currency = serializers.CharField()
    price = Money("price")
    interval = serializers.ChoiceField(PlanPrice.Interval.choices)
    period_start = serializers.DateField(allow_null=True)
    period_end = serializers.DateField(allow_null=True, help_text="The first day after the period.")
    period_last_day = serializers.SerializerMethodField(help_text="The last day of the period.")
    cancel_at_period_end = serializers.BooleanField()
    next_plan = serializers.CharField(source="next_plan.code", default=None, allow_null=True)
    available_transitions = serializers.SerializerMethodField()

    def get_period_last_day(self, subscription: Subscription) -> date | None:
        return last_day_of(subscription.period_end) if subscription.period_end else None

    def get_available_transitions(self, subscription: Subscription) -> list[str]:
        return available(subscription, self.context["request"].user)


class ChosenOut(serializers.Serializer):
    """`invoice` is null where a smaller plan waits for the next period. `over_limit`: what is in use beyond what the
    chosen plan allows."""

    subscription = SubscriptionOut()
    invoice = InvoiceOut(allow_null=True)
    over_limit = OverLimitOut()


class Invoices(CallerView, ReadOnlyModelViewSet):
    """GET billing/invoices/, billing/invoices/{id}/: what is or was owed."""

    def get_serializer_class(self) -> type[InvoiceOut]:
        return InvoiceInFull if self.action == "retrieve" else InvoiceOut

    class Filters(ListQuery):
        status = Choice(Invoice.Status.choices, required=False)

    def get_queryset(self) -> InvoiceQuerySet:
        found = Invoice.objects.visible_to(self.caller).filter(**self.query)
        return found.select_related("account", "payment_method", "plan", "seller").prefetch_related("lines")


class Subscriptions(CallerView, ReadOnlyModelViewSet):
    """GET, POST billing/subscriptions/, GET billing/subscriptions/{id}/, POST .../{id}/cancel/: what is subscribed."""

    serializer_class = SubscriptionOut

    class Filters(ListQuery):
        status = Choice(Subscription.Status.choices, required=False)

    class In(StrictSerializer):
        plan = Text(max_length=30)
        currency = Currency(required=False)
        interval = Choice(
            PlanPrice.Interval.choices,
            required=False,
            help_text="Without it a month, of one that runs its own; another than that begins with the next period.",
        )
        payment_method = Text(required=False, max_length=30)

        EXAMPLE = {"plan": "growth", "currency": "USD", "payment_method": "us_bank"}

    class Cancel(StrictSerializer):
        at_period_end = StrictBoolean(default=False)

    @operation(ChosenOut, 201, raises=(NotFound, PermissionDenied, Conflict, TooManyRequests))
    def create(self, request: Request) -> Response:
        """Choose a plan: a new subscription, an upgrade with its invoice, or a smaller plan for the next period."""
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        account = account_of(self.caller)
        plan = find_plan(data["plan"])
        method = find_method(data["payment_method"], account.country) if "payment_method" in data else None
        subscription, invoice = choose_plan(
            account, plan, by=self.caller, currency=data.get("currency"), method=method, interval=data.get("interval")
        )
        context = {"request": request}
        return Response(
            {
                "subscription": SubscriptionOut(subscription, context=context).data,
                "invoice": invoice and InvoiceOut(invoice, context=context).data,
                "over_limit": excess_out(excess_of(account, plan)),
            },
            status=201,
        )

    @operation(SubscriptionOut, request=Cancel, raises=(PermissionDenied, WrongState))
    def cancel(self, request: Request, pk: UUID) -> Response:
        """End a subscription, at once or with the period that is paid for."""
        subscription = self.get_object()
        form = self.Cancel(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data["at_period_end"]:
            subscription = cancel_at_period_end(subscription, by=self.caller)
        else:
            perform(subscription.cancel, by=self.caller)
        return Response(SubscriptionOut(subscription, context={"request": request}).data)

    def get_queryset(self) -> SubscriptionQuerySet:
        return Subscription.objects.visible_to(self.caller).filter(**self.query).select_related("plan", "next_plan")


class KeepPlan(CallerView):
    """POST billing/subscriptions/{id}/keep/: take back a cancellation, or a smaller plan chosen for the next period."""

    @operation(SubscriptionOut, raises=(PermissionDenied, Conflict, WrongState, TooManyRequests))
    def post(self, request: Request, pk: UUID) -> Response:
        found = Subscription.objects.visible_to(self.caller).select_related("account", "plan")
        subscription = get_object_or_404(found, pk=pk)
        kept = keep_plan(subscription, by=self.caller)
        return Response(SubscriptionOut(kept, context={"request": request}).data)
