"""An account as its people see it."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import CallerView, Door
from api.fields import Country, Email, StrictSerializer, Text
from core.models import Account, CreditEntry
from core.money import money_text
from core.problems import NotFound
from workflows.actions import change_account
from workflows.balances import balance_of
from workflows.ledger import consume


class UserOut(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    email_verified_at = serializers.DateTimeField()
    is_staff = serializers.BooleanField()


class AccountOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    credits = serializers.IntegerField()
    currency = serializers.CharField()
    time_zone = serializers.CharField()
    language = serializers.CharField()
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


class OwnAccount(CallerView):
    """GET, PATCH account/: the caller's account. What is issued already keeps the details it was issued with."""

    class In(StrictSerializer):
        name = Text(max_length=150)
        time_zone = serializers.ChoiceField(sorted(available_timezones()))
        language = serializers.ChoiceField(settings.LANGUAGES)
        billing_email = Email()
        address_line1 = Text(max_length=200)
        address_line2 = Text(allow_blank=True, max_length=200)
        city = Text(max_length=100)
        state = Text(allow_blank=True, max_length=100)
        postal_code = Text(allow_blank=True, max_length=20)
        country = Country()
        tax_id = Text(allow_blank=True, max_length=32)

    def get(self, request: Request) -> Response:
        return Response(AccountOut(account_of(request.user)).data)

    def patch(self, request: Request) -> Response:
        account = account_of(self.caller)
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(AccountOut(change_account(account, by=self.caller, **form.validated_data)).data)


class Balance(Door):
    """GET billing/balance/: money that no invoice needed yet, per currency."""

    def get(self, request: Request) -> Response:
        balance = balance_of(account_of(request.user).pk)
        return Response(
            {"balances": [{"currency": code, "amount": money_text(amount, code)} for code, amount in balance.items()]}
        )


class ConsumeCredits(CallerView):
    """POST credits/consume/: use credits, once for each reference."""

    class In(StrictSerializer):
        amount = serializers.IntegerField(min_value=1, max_value=1_000_000_000)
        reference = Text(max_length=200)
        description = Text(default="", max_length=255, allow_blank=True)

    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        entry = consume(account_of(self.caller), **form.validated_data)
        return Response(CreditEntryOut(entry).data, status=201)


class Credits(Door):
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
