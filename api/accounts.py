from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from api.fields import Choice, Country, Email, MoneyText, StrictBoolean, StrictInteger, StrictSerializer, Text, TimeZone
from api.query import ListQuery
from api.views import ApiView, CallerView, operation
from core.models import Account, CreditEntry
from core.money import money_text
from core.problems import Conflict, InsufficientCredits, NotFound, PermissionDenied, TooManyRequests, WrongState
from workflows.actions import change_account, close_account
from workflows.actions.credits import consume
from workflows.actions.sites import Excess, excess_of
from workflows.settlement.balances import balance_of_member

NO_ACCOUNT = "You belong to no account."
CONSUME_BY = "Who may use the credits: all who belong to the account, members and above, or admins and owners."

ATTACHES = "Whether mails bring invoices and receipts as files; else they have links alone."


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
    consume_by = serializers.ChoiceField(Account.ConsumeBy.choices, help_text=CONSUME_BY)
    attaches_documents = serializers.BooleanField(help_text=ATTACHES)
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


class ExcessOut(serializers.Serializer):
    used = serializers.IntegerField()
    limit = serializers.IntegerField()


class OverLimitOut(serializers.Serializer):
    """What is in use beyond what a plan allows; a name is there only where it is too much."""

    sites = ExcessOut(required=False)
    users = ExcessOut(required=False)


class OwnAccountOut(AccountOut):
    """`over_limit`: what is in use beyond what the plan allows. Nothing is taken away, and nothing can be added."""

    over_limit = serializers.SerializerMethodField()

    @extend_schema_field(OverLimitOut)
    def get_over_limit(self, account: Account) -> dict[str, Any]:
        return excess_out(excess_of(account))


class CreditEntryOut(serializers.Serializer):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(CreditEntry.Kind.choices)
    amount = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    reference = serializers.SerializerMethodField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_reference(self, entry: CreditEntry) -> str:
        """The customer's reference, or our own key for entries that we made."""
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
        consume_by = Choice(Account.ConsumeBy.choices, help_text=CONSUME_BY)
        attaches_documents = StrictBoolean(help_text=ATTACHES)
        billing_email = Email()
        address_line1 = Text(max_length=200)
        address_line2 = Text(allow_blank=True, max_length=200)
        city = Text(max_length=100)
        state = Text(allow_blank=True, max_length=100)
        postal_code = Text(allow_blank=True, max_length=20)
        country = Country()
        tax_id = Text(allow_blank=True, max_length=32)

    @operation(OwnAccountOut, raises=(NotFound,))
    def get(self, request: Request) -> Response:
        """The caller's account."""
        return Response(OwnAccountOut(account_of(request.user)).data)

    @operation(OwnAccountOut, raises=(NotFound, PermissionDenied, Conflict, TooManyRequests))
    def patch(self, request: Request) -> Response:
        """Change the account; what is issued already keeps the details it was issued with."""
        account = account_of(self.caller)
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(OwnAccountOut(change_account(account, by=self.caller, **form.validated_data)).data)


class CloseOwnAccount(CallerView):
    """POST account/close/: close the caller's account for good.

    Its subscription ends, open invoices lapse, money paid ahead goes to the balance. Its people can still sign in and
    read, until they sign up again with the same address.
    """

    class In(StrictSerializer):
        account_name = Text(max_length=150, help_text="The account's name, to confirm.")
        reason = Text(default="", max_length=500, allow_blank=True)

        EXAMPLE = {"account_name": "Example Ltd", "reason": "We moved to another product"}

    @operation(OwnAccountOut, raises=(NotFound, PermissionDenied, WrongState))
    def post(self, request: Request) -> Response:
        account = account_of(self.caller)
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        closed = close_account(account, by=self.caller, reason=data["reason"], typed_name=data["account_name"])
        return Response(OwnAccountOut(closed).data)


class Balance(CallerView):
    """GET billing/balance/: money that no invoice needed yet, per currency."""

    @operation(BalanceOut, raises=(NotFound,))
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
        amount = StrictInteger(least=1, most=1_000_000_000)
        reference = Text(max_length=200)
        description = Text(default="", max_length=255, allow_blank=True)

        EXAMPLE = {"amount": 5, "reference": "report-2031", "description": "Monthly report"}

    @operation(CreditEntryOut, 201, raises=(NotFound, InsufficientCredits, PermissionDenied, WrongState, Conflict))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        entry = consume(account_of(self.caller), by=self.caller, **form.validated_data)
        return Response(CreditEntryOut(entry).data, status=201)


class Credits(ApiView):
    """GET credits/: how many are left."""

    @operation(CreditsOut, raises=(NotFound,))
    def get(self, request: Request) -> Response:
        return Response({"credits": account_of(request.user).credits})


class CreditEntries(CallerView, ListAPIView):
    """GET credits/entries/: where they came from and went."""

    serializer_class = CreditEntryOut
    raises = (NotFound,)

    class Filters(ListQuery):
        kind = Choice(CreditEntry.Kind.choices, required=False)

    def get_queryset(self) -> Any:
        return CreditEntry.objects.filter(account=account_of(self.caller), **self.query)


def excess_out(found: dict[str, Excess]) -> dict[str, Any]:
    return {name: {"used": each.used, "limit": each.limit} for name, each in found.items()}


def account_of(user: Any) -> Account:
    """Raises NotFound for staff, who have none."""
    membership = getattr(user, "membership", None)
    if membership is None:
        raise NotFound(NO_ACCOUNT)
    account: Account = membership.account
    return account
