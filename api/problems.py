"""DRF's and Django's errors, too, become application/problem+json (RFC 9457)."""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core import problems
from core.problems import Problem
from engine.context import request_id

CONTENT_TYPE = "application/problem+json"


class ProblemOut(serializers.Serializer):
    """A problem document: RFC 9457."""

    type = serializers.CharField(help_text="The address of a page that explains it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The path that was asked for.")
    request_id = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        required=False, help_text="`validation-error`: what is wrong, by field."
    )
    questions = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="`validation-error`: what has to be said of a table before it is read.",
    )
    proposed_profile = serializers.DictField(
        required=False, allow_null=True, help_text="`validation-error`: how the table would be read, if that is right."
    )
    object_status = serializers.CharField(required=False, help_text="`wrong-state`: what it is now.")
    available = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="`wrong-state`: what the caller could do instead."
    )
    unmet = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="`wrong-state`: the conditions that do not hold."
    )
    payment_id = serializers.UUIDField(required=False, help_text="`duplicate-claim`: the earlier one.")
    credits = serializers.IntegerField(required=False, help_text="`insufficient-credits`: how many there are.")
    limit = serializers.IntegerField(required=False, help_text="`conflict`: how many the plan has room for.")
    plans = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="`conflict`: the codes of the plans that may be signed up for.",
    )
    retry_after = serializers.IntegerField(required=False, help_text="Seconds, as in Retry-After.")


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """None lets a bug reach the log as a 500."""
    problem = translate(error)
    if problem is None:
        return None
    set_rollback()
    return Response(
        body(problem, context["request"]), problem.status, headers=headers(problem), content_type=CONTENT_TYPE
    )


def answer(problem: Problem, request: HttpRequest) -> JsonResponse:
    """Outside DRF views, maybe outside the middleware that sets Content-Length."""
    response = JsonResponse(
        body(problem, request), status=problem.status, headers=headers(problem), content_type=CONTENT_TYPE
    )
    response["Content-Length"] = str(len(response.content))
    return response


def body(problem: Problem, request: Any) -> dict[str, Any]:
    return {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": request.path,
        "request_id": request_id.get(),
        **problem.members,
    }


def headers(problem: Problem) -> dict[str, str]:
    if problem.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    retry_after = problem.members.get("retry_after") or (5 if problem.status == 503 else None)
    return {"Retry-After": str(retry_after)} if retry_after else {}


def translate(error: Exception) -> Problem | None:
    """None for a bug."""
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            return problems.ValidationError(_by_field(error.detail))
        case Http404() | exceptions.NotFound():
            return problems.NotFound("There is nothing here for you.")
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return problems.AuthenticationRequired("Send a valid token: Authorization: Bearer <token>.")
        case exceptions.PermissionDenied() | DjangoPermissionDenied():
            return problems.PermissionDenied("You are not allowed to do this.")
        case exceptions.MethodNotAllowed():
            return problems.MethodNotAllowed(str(error.detail))
        case exceptions.UnsupportedMediaType():
            return problems.UnsupportedMediaType("Send application/json, in UTF-8 and not compressed.")
        case exceptions.NotAcceptable():
            return problems.NotAcceptable("Accept application/json.")
        case exceptions.Throttled():
            wait = math.ceil(getattr(error, "wait", None) or 1)
            return problems.TooManyRequests(f"Please wait {wait} seconds.", retry_after=wait)
        case exceptions.ParseError():
            return problems.MalformedRequest(str(error.detail))
    return None


def _by_field(detail: Any) -> dict[str, Any]:
    if isinstance(detail, dict):
        return {str(name): item for name, item in detail.items()}
    return {"non_field_errors": detail}
