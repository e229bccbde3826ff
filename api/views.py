"""Strict input, and Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

A POST with a key runs in one transaction with the record of its answer; a repetition gets the first answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from api.fields import EmptyBody
from api.query import ListQuery, Query
from api.tokens import KeyedToken, new_token, with_token
from core.http.client_ip import client_ip
from core.models import User
from core.models.idempotency import IdempotentResponse
from core.problems import (
    IdempotencyKeyReused,
    MalformedRequest,
    PayloadTooLarge,
    PermissionDenied,
    Problem,
)
from workflows.idempotency import first_answer, keep_answer

ResponseBody = type[Serializer] | list[type[Serializer]] | None
Handler = TypeVar("Handler", bound=Callable[..., Any])

KEY_CHARACTERS = re.compile(r"[\x21-\x7e]{1,255}")
QUOTED_KEY = re.compile(r'"(.+)"')  # RFC 8941 string: the same key as without quotes
# Changed nothing or may differ next time.
UNSTORED_STATUSES = {400, 401, 403, 404, 405, 406, 413, 415, 422, 429}


@dataclass(frozen=True)
class Operation:
    """`api.schema` reads it."""

    responses: Mapping[int, ResponseBody]
    request: type[Serializer] | None
    raises: tuple[type[Problem], ...]
    text_types: tuple[str, ...]


def operation(
    responses: ResponseBody | dict[int, ResponseBody],
    status: int = 200,
    *,
    request: type[Serializer] | None = None,
    raises: tuple[type[Problem], ...] = (),
    text_types: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """`[Row]` is a list without pages. request: the body, if it is not the view's `In`.

    raises: problems beyond those that `api.schema` adds. text_types: media types instead of JSON.
    """

    def mark(handler: Handler) -> Handler:
        by_status = responses if isinstance(responses, dict) else {status: responses}
        handler.operation = Operation(by_status, request, raises, text_types)  # type: ignore[attr-defined]
        return handler

    return mark


class ApiView(APIView):
    """Refuses unknown parameters and fields; supports Idempotency-Key on POST.

    `In` is the body, or the query parameters if it is a Query; a list declares its parameters as `Filters`.
    query: the checked parameters. answer_later: set it to build the answer after the commit.
    keeps_answers: False where nothing is changed; a key is then ignored.
    """

    keeps_answers = True
    answer_later: Callable[[], Response] | None = None
    query: dict[str, Any]
    _savepoint: Any = None
    _token: KeyedToken | None = None

    @classmethod
    def parameters(cls, method: str, *, is_list: bool) -> type[Query]:
        if method in ("GET", "HEAD"):
            if is_list:
                return getattr(cls, "Filters", ListQuery)
            own = getattr(cls, "In", Query)
            return own if issubclass(own, Query) else Query
        return Query

    def body_of(self, method: str) -> type[Serializer]:
        declared: Operation | None = getattr(self.handler_of(method), "operation", None)
        if declared is not None and declared.request is not None:
            return declared.request
        own: type[Serializer] = getattr(type(self), "In", EmptyBody)
        return EmptyBody if issubclass(own, Query) else own

    def handler_of(self, method: str) -> Any:
        action = (getattr(self, "action_map", None) or {}).get(method.lower(), method.lower())
        return getattr(self, action, None)

    def is_list(self, method: str) -> bool:
        if isinstance(self, ListAPIView):
            return method in ("GET", "HEAD")
        return getattr(self.handler_of(method), "__name__", "") == "list"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_keyed = self._is_keyed(request)
        try:
            response = self._keyed(request, *args, **kwargs) if is_keyed else super().dispatch(request, *args, **kwargs)
        except _Replay as replay:
            return replay.response()
        if self.answer_later is not None:
            response = self.finalize_response(self.request, self.answer_later())
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication and before the handler."""
        method = str(request.method)
        if method.lower() not in self.http_method_names or self.handler_of(method) is None:
            raise MethodNotAllowed(method)
        super().initial(request, *args, **kwargs)
        self.query = self.parameters(method, is_list=self.is_list(method)).of(request)
        if self._is_keyed(request):
            self._reserve_key(request)  # its fingerprint is of the raw bytes
        if method == "POST" and self.body_of(method) is EmptyBody:
            EmptyBody(data=request.data).is_valid(raise_exception=True)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """204 with Allow only."""
        return Response(status=204)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Replay):
            raise exc
        return super().handle_exception(exc)

    def token_to_give(self) -> str:
        """With a key it is derived, so that it need not be stored."""
        if self._savepoint is None:
            return new_token()
        self._token = KeyedToken.of(self.request._request.body)
        return self._token.text

    def content_for_key(self, request: Request) -> bytes:
        """What two requests under one key have in common. Raises PayloadTooLarge."""
        try:
            return request._request.body
        except RequestDataTooBig as error:
            raise PayloadTooLarge("The body is too large.") from error

    def _is_keyed(self, request: HttpRequest | Request) -> bool:
        return self.keeps_answers and request.method == "POST" and "Idempotency-Key" in request.headers

    def _keyed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if self._savepoint is None:  # refused before the key was looked at
                return response
            if response.status_code >= 500 or response.status_code in UNSTORED_STATUSES:
                transaction.set_rollback(True)
            else:
                if getattr(response, "exception", False):  # the refusal is stored, its changes are rolled back
                    transaction.savepoint_rollback(self._savepoint)
                self._store_answer(response)
        return response

    def _reserve_key(self, request: Request) -> None:
        """Raises _Replay with the key's first answer, MalformedRequest or IdempotencyKeyReused."""
        key = request.headers["Idempotency-Key"]
        sent = key
        if quoted := QUOTED_KEY.fullmatch(key):
            key = quoted[1]
        if not KEY_CHARACTERS.fullmatch(key):
            raise MalformedRequest("An Idempotency-Key has 1 to 255 visible ASCII characters.")
        self._scope, self._key = _scope(request), key
        self._fingerprint, *older = _fingerprints(request, self.content_for_key(request))
        # `sent`: older answers, kept for a week, are stored under the quoted key.
        first = first_answer(self._scope, key, sent, wait=False)
        if first is not None and first.fingerprint not in (self._fingerprint, *older):
            raise IdempotencyKeyReused("This key was used for another request.")
        if first is not None:
            raise _Replay(first, with_token(bytes(first.body), self.content_for_key(request)))
        self._savepoint = transaction.savepoint()

    def _store_answer(self, response: Any) -> None:
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        keep_answer(
            self._scope,
            self._key,
            fingerprint=self._fingerprint,
            status=response.status_code,
            content_type=response.content_type or "application/json",
            body=self._token.taken_out_of(body) if self._token else body,
        )


class CallerView(ApiView):
    """For authenticated callers."""

    @property
    def caller(self) -> User:
        user = self.request.user
        assert isinstance(user, User), "only for views that demand a token"
        return user


class StaffView(CallerView):
    """For staff who have been granted `permission`; being superuser is not enough.

    also: permissions of which one is enough, too.
    is_for_staff_alone = False lets customers pass to the row: others' rows are 404, on their own the verb refuses.
    """

    permission: str
    also: tuple[str, ...] = ()
    is_for_staff_alone = True

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        wanted = (self.permission, *self.also)
        if (self.is_for_staff_alone or self.caller.is_staff) and not any(map(self.caller.is_granted, wanted)):
            raise PermissionDenied("You are not allowed to do this.")


class _Replay(Exception):  # noqa: N818
    def __init__(self, first: IdempotentResponse, body: bytes) -> None:
        self.first, self.body = first, body

    def response(self) -> HttpResponse:
        answer = HttpResponse(self.body, status=self.first.status, content_type=self.first.content_type)
        answer["Idempotent-Replayed"] = "true"
        return answer


def _scope(request: Request) -> str:
    if isinstance(request.user, User):
        return f"user:{request.user.pk}"
    return f"address:{client_ip(request)}"


def _fingerprints(request: Request, content: bytes) -> list[str]:
    """Under SECRET_KEY, then under each fallback key."""
    words = b"\n".join([str(request.method).encode(), request.path.encode(), content])
    return [
        # The salt is a former name: stored fingerprints depend on it.
        salted_hmac("api.views", words, secret=secret, algorithm="sha256").hexdigest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
