from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Country, Money
from api.query import Query
from api.views import ApiView, operation
from core.models import PaymentMethod, Plan, PlanPrice
from core.models.payment_method import sound_methods


class PriceOut(serializers.Serializer):
    currency = serializers.CharField()
    interval = serializers.ChoiceField(PlanPrice.Interval.choices)
    amount = Money("amount")


class PlanOut(serializers.Serializer):
    code = serializers.CharField()
    name = serializers.CharField()
    credits = serializers.IntegerField()
    trial_days = serializers.IntegerField()
    max_sites = serializers.IntegerField(allow_null=True)
    max_users = serializers.IntegerField(allow_null=True)
    prices = PriceOut(many=True, source="offers")


class PayeeLineOut(serializers.Serializer):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.CharField()


class ReferenceHintOut(serializers.Serializer):
    """How the transaction ids of this method look; see docs/api.md for the words of `pattern`."""

    pattern = serializers.CharField(source="reference_pattern")
    example = serializers.CharField(source="reference_example")


class PaymentMethodOut(serializers.Serializer):
    code = serializers.CharField()
    country = serializers.SerializerMethodField()
    kind = serializers.ChoiceField(PaymentMethod.Kind.choices)
    name = serializers.CharField()
    currency = serializers.SerializerMethodField()
    instructions = serializers.JSONField()
    fields_ = serializers.JSONField()
    payee = PayeeLineOut(many=True)
    requires = serializers.ListField(child=serializers.CharField())
    reference_hint = serializers.SerializerMethodField()
    reference_max = serializers.IntegerField(allow_null=True)
    bank_lag_days = serializers.IntegerField()
    is_demo = serializers.BooleanField()

    def get_fields(self) -> Any:
        """Serializers reserve the name `fields`."""
        fields = super().get_fields()
        return {name.rstrip("_"): field for name, field in fields.items()}

    @extend_schema_field(ReferenceHintOut(allow_null=True))
    def get_reference_hint(self, method: PaymentMethod) -> dict[str, str] | None:
        return ReferenceHintOut(method).data if method.reference_pattern else None

    def get_country(self, method: PaymentMethod) -> str | None:
        return method.country or None

    def get_currency(self, method: PaymentMethod) -> str | None:
        return method.currency or None


class Plans(ApiView):
    """GET plans/: the public plans."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    @operation([PlanOut])
    def get(self, request: Request) -> Response:
        plans = Plan.objects.public()
        return Response({"results": PlanOut(plans, many=True).data, "next": None, "previous": None})


class PaymentMethods(ApiView):
    """GET billing/admin/payment-methods/?country=PK: the country's methods first, then the global ones."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    class In(Query):
        country = Country(required=False)

    @operation([PaymentMethodOut])
    def get(self, request: Request) -> Response:
        methods = sound_methods(PaymentMethod.objects.offered_in(self.query.get("country", "")))
        return Response({"results": PaymentMethodOut(methods, many=True).data, "next": None, "previous": None})
