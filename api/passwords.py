"""Neither answers nor their timing reveal who has an account."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from api.auth import SessionOut, session
from api.fields import Email, Password, StrictSerializer, Text
from api.views import ApiView, CallerView, operation
from core.models import User
from core.problems import Conflict, InvalidCredentials, TooManyRequests, ValidationError
from core.security import rate_limits
from workflows.actions.passwords import reset_password
from workflows.actions.people import (
    ask_for_password_reset,
    ask_to_verify,
    ask_to_verify_address,
    change_password,
    verify_email,
)

ASKED = "If there is somebody to write to, a mail with a link is on its way."


class AskedOut(serializers.Serializer):
    detail = serializers.CharField()


class VerifiedOut(serializers.Serializer):
    email_verified_at = serializers.DateTimeField()


class Token(Text):
    """The last part of a link in a mail."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 100, **kwargs})


class ChangePassword(CallerView):
    """POST auth/password/change/: another password; every token and session ends, and a new token is given."""

    class In(StrictSerializer):
        old_password = Password()
        new_password = Password()

    @operation(SessionOut, raises=(InvalidCredentials, TooManyRequests))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        attempt = rate_limits.LOGIN.attempt(request, self.caller.email)
        user = change_password(self.caller, form.validated_data["old_password"], form.validated_data["new_password"])
        attempt.succeeded()
        return Response(session(user, self.token_to_give()))


class AskForReset(ApiView):
    """POST auth/password/reset/: have a link sent to that address; 202 whether or not anybody has it."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    class In(StrictSerializer):
        email = Email()

    @operation(AskedOut, 202, raises=(TooManyRequests,))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        email = form.validated_data["email"]
        rate_limits.RESET.attempt(request, email)
        ask_for_password_reset(email)
        return Response({"detail": ASKED}, status=202)


class ResetPassword(ApiView):
    """POST auth/password/reset/confirm/: a new password by a link's token, which accepts an invitation, too."""

    permission_classes = [AllowAny]
    authentication_classes: list[Any] = []

    class In(StrictSerializer):
        token = Token()
        password = Password()

    @operation(None, 204, raises=(Conflict, TooManyRequests))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        rate_limits.LINK.attempt(request)
        user = reset_password(form.validated_data["token"], form.validated_data["password"]).user
        rate_limits.trust_address(request, user.email)
        return Response(status=204)


class VerifyEmail(ApiView):
    """POST auth/email/verify/: with `token` the address is confirmed; with `email`, or by a caller, a link is sent."""

    permission_classes = [AllowAny]

    class In(StrictSerializer):
        token = Token(required=False)
        email = Email(required=False)

    @operation({200: VerifiedOut, 202: AskedOut}, raises=(TooManyRequests,))
    def post(self, request: Request) -> Response:
        form = self.In(data=request.data)
        form.is_valid(raise_exception=True)
        match form.validated_data:
            case {"token": _, "email": _}:
                raise ValidationError({"email": ["Send a token or an e-mail address, not both."]})
            case {"token": token}:
                rate_limits.LINK.attempt(request)
                return Response({"email_verified_at": verify_email(token).email_verified_at})
            case {"email": email}:
                rate_limits.VERIFY.attempt(request, email)
                ask_to_verify_address(email)
            case _ if isinstance(request.user, User):
                rate_limits.VERIFY.attempt(request, request.user.email)
                ask_to_verify(request.user)
            case _:
                raise ValidationError({"token": ["Send the token of a link, or the e-mail address to send one to."]})
        return Response({"detail": ASKED}, status=202)
