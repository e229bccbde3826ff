"""An account as its people see it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.door import CallerView, Door, says
from api.fields import Choice, Country, Email, MoneyText, StrictSerializer, Text, TimeZone, Whole
from api.query import ListQuery
from core.models import Account, CreditEntry
from core.money import money_text
from core.problems import Conflict, InsufficientCredits, NotFound, PermissionDenied, WrongState
from workflows.actions import change_account
from workflows.balances import balance_of_member
from workflows.ledger import consume

NO_ACCOUNT = "You belong to no account."


class UserOut(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    email_verified_at = serializers.DateTimeField(allow_null=True)
    is_staff = serializers.BooleanField()


class AccountOut(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(Account.Status.choices)
    credits = serializers.IntegerField()
    currency = serializers.CharField()
    time_zone = serializers.CharField()
    language = serializers.ChoiceField(settings.LANGUAGES)
    trial_ends_on = serializers.DateField(allow_null=True)
    created_at = serializers.DateTimeField()
    billing_email = serializers.CharField()
    address_line1 = serializers.CharField()
    address_line2 = serializers.CharField()
    city = serializers.CharField()
    state = serializers.CharField()
    postal_code = serializers.CharField()
    country = serializers.CharField()
    tax_id = serializers.CharField()


class CreditEntryOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(CreditEntry.Kind.choices)
    amount = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    reference = serializers.SerializerMethodField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_reference(self, entry: CreditEntry) -> str:
        """As the customer gave it; of what we wrote ourselves, our own key."""
        return entry.key.removeprefix("consume:")


class CreditsOut(serializers.Serializer):
    credits = serializers.IntegerField()


class CurrencyBalanceOut(serializers.Serializer):
    currency = serializers.CharField()
    amount = MoneyText()


class BalanceOut(serializers.Serializer):
    balances = CurrencyBalanceOut(many=True)


class OwnAccount(CallerView):
    """GET, PATCH account/: the caller's account. What is issued already keeps the details it was issued with."""

    class In(StrictSerializer):
        name = Text(max_length=150)
        time_zone = TimeZone(max_length=64)
        language = Choice(settings.LANGUAGES)
        billing_email = Email()
        address_line1 = Text(max_length=200)
        address_line2 = Text(allow_blank=True, max_length=200)
        city = Text(max_length=100)
        state = Text(allow_blank=True, max_length=100)
        postal_code = Text(allow_blank=True, max_length=20)
        country = Country()
        tax_id = Text(allow_blank=True, max_length=32)

    @says(AccountOut, refuses=(NotFound,))
    def get(self, request: Request) -> Response:
        """The caller's account."""
        return Response(AccountOut(account_of(request.user)).data)

    @says(AccountOut, refuses=(NotFound, PermissionDenied))
    def patch(self, request: Request) -> Response:
        """Change the account; what is issued already keeps the details it was issued with."""
        account = account_of(self.caller)
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(AccountOut(change_account(account, by=self.caller, **form.validated_data)).data)


class Balance(CallerView):
    """GET billing/balance/: money that no invoice needed yet, per currency."""

    @says(BalanceOut, refuses=(NotFound,))
    def get(self, request: Request) -> Response:
        balance = balance_of_member(self.caller.pk)
        if balance is None:
            raise NotFound(NO_ACCOUNT)
        return Response(
            {"balances": [{"currency": code, "amount": money_text(amount, code)} for code, amount in balance.items()]}
        )


class ConsumeCredits(CallerView):
    """POST credits/consume/: use credits, once for each reference."""

    class In(StrictSerializer):
        amount = Whole(least=1, most=1_000_000_000)
        reference = Text(max_length=200)
        description = Text(default="", max_length=255, allow_blank=True)

        EXAMPLE = {"amount": 5, "reference": "report-2031", "description": "Monthly report"}

    @says(CreditEntryOut, 201, refuses=(NotFound, InsufficientCredits, WrongState, Conflict))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        entry = consume(account_of(self.caller), **form.validated_data)
        return Response(CreditEntryOut(entry).data, status=201)


class Credits(Door):
    """GET credits/: how many are left."""

    @says(CreditsOut, refuses=(NotFound,))
    def get(self, request: Request) -> Response:
        return Response({"credits": account_of(request.user).credits})


class CreditEntries(CallerView, ListAPIView):
    """GET credits/entries/: where they came from and went."""

    serializer_class = CreditEntryOut
    refuses = (NotFound,)

    class Filters(ListQuery):
        kind = Choice(CreditEntry.Kind.choices, required=False)

    def get_queryset(self) -> Any:
        return CreditEntry.objects.filter(account=account_of(self.caller), **self.query)


def account_of(user: Any) -> Account:
    """The account that a customer belongs to. Raises NotFound for staff, who belong to none."""
    membership = getattr(user, "membership", None)
    if membership is None:
        raise NotFound(NO_ACCOUNT)
    account: Account = membership.account
    return account
