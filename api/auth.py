from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.db.transaction import atomic
from django.utils.translation import get_language_from_request
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.accounts import AccountOut, UserOut
from api.fields import Choice, Country, Currency, Email, Password, StrictSerializer, Text, TimeZone
from api.invoices import InvoiceOut, SubscriptionOut
from api.tokens import register_token
from api.views import ApiView, CallerView, operation
from core.models import Membership, PlanPrice, User
from core.models.account import BILLING_FIELDS
from core.problems import Conflict, InvalidCredentials, TooManyRequests
from core.security import events, rate_limits
from workflows.actions import sign_up
from workflows.actions.people import change_name, record_sign_in, sign_out_everywhere


class SessionOut(serializers.Serializer):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user = UserOut()


class LoginOut(SessionOut):
    account = AccountOut(allow_null=True)


class RegisterOut(SessionOut):
    account = AccountOut()
    subscription = SubscriptionOut(allow_null=True)
    invoice = InvoiceOut(allow_null=True)


class MeOut(serializers.Serializer):
    user = UserOut()
    role = serializers.ChoiceField(Membership.Role.choices, allow_null=True)
    account = AccountOut(allow_null=True)


class Register(ApiView):
    """POST auth/register/: open an account, free or paid."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    class In(StrictSerializer):
        email = Email()
        password = Password()
        account_name = Text(max_length=150)
        plan = Text(default="free", max_length=30)
        payment_method = Text(required=False, max_length=30)
        currency = Currency(default="USD")
        interval = Choice(PlanPrice.Interval.choices, default=PlanPrice.Interval.MONTH)
        language = Choice(settings.LANGUAGES, required=False)
        time_zone = TimeZone(required=False, max_length=64, help_text="Without it: that of the country, else UTC.")
        billing_email = Email(default="", allow_blank=True)
        address_line1 = Text(default="", allow_blank=True, max_length=200)
        address_line2 = Text(default="", allow_blank=True, max_length=200)
        city = Text(default="", allow_blank=True, max_length=100)
        state = Text(default="", allow_blank=True, max_length=100)
        postal_code = Text(default="", allow_blank=True, max_length=20)
        country = Country(default="", allow_blank=True)
        tax_id = Text(default="", allow_blank=True, max_length=32)

        EXAMPLE = {
            "email": "owner@example.com",
            "password": "correct horse battery",
            "account_name": "Example Ltd",
            "plan": "starter",
            "payment_method": "us_bank",
            "billing_email": "bills@example.com",
            "address_line1": "1 Example Street",
            "city": "Springfield",
            "country": "US",
        }

    @operation(RegisterOut, 201, raises=(Conflict, TooManyRequests))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        signed_up = sign_up(
            email=data["email"],
            password=data["password"],
            account_name=data["account_name"],
            plan=data["plan"],
            currency=data["currency"],
            interval=data["interval"],
            billing={name: data[name] for name in BILLING_FIELDS},
            payment_method=data.get("payment_method"),
            language=data.get("language") or get_language_from_request(request),
            time_zone=data.get("time_zone", ""),
            admit=partial(rate_limits.count_sign_up, request, data["email"]),
        )
        rate_limits.trust_address(request, data["email"])
        context = {"request": request}
        request.user = signed_up.user
        return Response(
            {
                **session(signed_up.user, self.token_to_give()),
                "account": AccountOut(signed_up.account).data,
                "subscription": signed_up.subscription
                and SubscriptionOut(signed_up.subscription, context=context).data,
                "invoice": signed_up.invoice and InvoiceOut(signed_up.invoice, context=context).data,
            },
            status=201,
        )


class Login(ApiView):
    """POST auth/login/: a token for an e-mail address and its password."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    class In(StrictSerializer):
        email = Text(max_length=254)
        password = Password()

        EXAMPLE = {"email": "owner@example.com", "password": "correct horse battery"}

    @operation(LoginOut, raises=(InvalidCredentials, TooManyRequests))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        attempt = rate_limits.LOGIN.attempt(request, form.validated_data["email"])
        # Django hashes for unknown addresses too: the time reveals nothing.
        user = authenticate(request, username=form.validated_data["email"], password=form.validated_data["password"])
        if user is None:
            events.record_refusal("sign_in_refused", account=form.validated_data["email"])
            raise InvalidCredentials("The e-mail address or the password is wrong.")
        answer = session(user, self.token_to_give())
        record_sign_in(user, attempt)
        membership = getattr(user, "membership", None)
        return Response({**answer, "account": membership and AccountOut(membership.account).data})


class Logout(ApiView):
    """POST auth/logout/: this token is worth nothing any more."""

    @operation(None, 204)
    def post(self, request: Request) -> Response:
        request.auth.delete()
        return Response(status=204)


class LogoutAll(CallerView):
    """POST auth/logout-all/: every token and every session of the caller is worth nothing any more."""

    @operation(None, 204)
    def post(self, request: Request) -> Response:
        sign_out_everywhere(self.caller)
        return Response(status=204)


class Me(CallerView):
    """GET, PATCH auth/me/: who the caller is. The e-mail address stays: a mail to it opens the account."""

    class In(StrictSerializer):
        name = Text(max_length=150, allow_blank=True)

    @operation(MeOut)
    def get(self, request: Request) -> Response:
        membership = getattr(request.user, "membership", None)
        return Response(
            {
                "user": UserOut(request.user).data,
                "role": membership and membership.role,
                "account": membership and AccountOut(membership.account).data,
            }
        )

    @operation(MeOut)
    def patch(self, request: Request) -> Response:
        """Change one's own name; the e-mail address stays: a mail to it opens the account."""
        form = self.In(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        if "name" in form.validated_data:
            change_name(self.caller, form.validated_data["name"])
        return self.get(request)


def session(user: Any, token: str) -> dict[str, Any]:
    """`token` is first: stored answers cut it out there.

    Raises InvalidCredentials if the password was changed or the user disabled since it was checked.
    """
    with atomic():
        unchanged = User.objects.select_for_update(no_key=True).filter(
            pk=user.pk, password=user.password, is_active=True
        )
        if not unchanged.exists():
            raise InvalidCredentials("The e-mail address or the password is wrong.")
        row = register_token(user, token)
    return {"token": token, "expires_at": row.expiry, "user": UserOut(user).data}
