"""What must not reach a view, and what must not leave one: hostile characters, bare 500s."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from api.parsers import is_clean
from api.problems import answer
from core.problems import InternalError, MalformedRequest, Problem, Unavailable

log = logging.getLogger(__name__)


class Problems:
    """Under /api/ every error is a problem document, whatever raised it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/") and not self._is_readable(request):
            return answer(MalformedRequest("The address contains characters that cannot be."), request)
        return self.get_response(request)

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

    def _is_readable(self, request: HttpRequest) -> bool:
        words = [
            request.path,
            *request.GET.keys(),
            *(value for key in request.GET for value in request.GET.getlist(key)),
        ]
        return all(is_clean(word) and not set("\t\r\n") & set(word) for word in words)
