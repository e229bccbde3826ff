"""An account as its people see it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.models import Account, CreditEntry
from core.problems import NotFound


class UserOut(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    is_staff = serializers.BooleanField()


class AccountOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    credits = serializers.IntegerField()
    currency = serializers.CharField()
    time_zone = serializers.CharField()
    trial_ends_on = serializers.DateField()
    created_at = serializers.DateTimeField()

    def to_representation(self, account: Account) -> dict[str, Any]:
        return {**super().to_representation(account), **account.billing_snapshot()}


class CreditEntryOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    amount = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    reference = serializers.CharField(source="key")
    description = serializers.CharField()
    created_at = serializers.DateTimeField()


class OwnAccount(APIView):
    """GET account/: the caller's account."""

    def get(self, request: Request) -> Response:
        return Response(AccountOut(account_of(request.user)).data)


class Credits(APIView):
    """GET credits/: how many are left."""

    def get(self, request: Request) -> Response:
        return Response({"credits": account_of(request.user).credits})


class CreditEntries(ListAPIView):
    """GET credits/entries/: where they came from and went."""

    serializer_class = CreditEntryOut

    def get_queryset(self) -> Any:
        return CreditEntry.objects.filter(account=account_of(self.request.user))


def account_of(user: Any) -> Account:
    """The account that a customer belongs to. Raises NotFound for staff, who belong to none."""
    membership = getattr(user, "membership", None)
    if membership is None:
        raise NotFound("You belong to no account.")
    account: Account = membership.account
    return account
