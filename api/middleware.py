from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from api.parsers import MAX_BYTES
from api.problems import answer
from core.http.body_limits import body_limit, is_larger_than
from core.problems import (
    InternalError,
    MalformedRequest,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    Problem,
    Unavailable,
)
from core.validation.text import is_single_line

NO_PAGE = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
PROBLEM_BY_STATUS = {
    400: MalformedRequest("The request cannot be read, or this server does not go by the name in its Host header."),
    403: PermissionDenied("You are not allowed to do this."),
    404: NotFound("There is no such address."),
    500: InternalError("This is our mistake and has been logged."),
}

log = logging.getLogger(__name__)


class Problems:
    """Under /api/ every error is a problem document, whatever raised it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/api/"):
            return self.get_response(request)
        problem = self._refusal(request)
        response = (
            self._in_our_words(request, self.get_response(request)) if problem is None else answer(problem, request)
        )
        response.headers.setdefault("Cache-Control", "no-store")
        if "json" in response.get("Content-Type", "json"):
            response.headers.setdefault("Content-Security-Policy", NO_PAGE)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not request.path.startswith("/api/"):
            return None
        problem: Problem
        if isinstance(error, OperationalError | InterfaceError):
            log.warning("The database is not there: %s", error)
            problem = Unavailable("The database does not answer right now.")
        else:
            log.exception("A bug in %s", request.path)
            problem = InternalError("This is our mistake and has been logged.")
        return answer(problem, request)

    def _refusal(self, request: HttpRequest) -> Problem | None:
        """Over http, with too large a body or with control characters in its URL."""
        if settings.SECURE_SSL_REDIRECT and not request.is_secure() and not request.path.startswith("/api/docs/"):
            return PermissionDenied("Ask over https: what is sent over http can be read on its way.")
        if is_larger_than(MAX_BYTES, request) and is_larger_than(limit := body_limit(request), request):
            return PayloadTooLarge(f"The body is larger than {limit} bytes.")
        try:
            request.encoding = "utf-8"  # whatever the Content-Type names
            words = [request.path, *(word for name, values in request.GET.lists() for word in (name, *values))]
        except SuspiciousOperation:
            return MalformedRequest("The address has too many parameters.")
        if all(map(is_single_line, words)):
            return None
        return MalformedRequest("The address contains characters that cannot be.")

    def _in_our_words(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Such as Django's page for a wrong Host."""
        if response.status_code not in PROBLEM_BY_STATUS or "json" in response.get("Content-Type", ""):
            return response
        ours = answer(PROBLEM_BY_STATUS[response.status_code], request)
        ours._has_been_logged = getattr(response, "_has_been_logged", False)  # type: ignore[attr-defined]
        return ours
