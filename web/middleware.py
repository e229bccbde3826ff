"""What every page shares: its weight, and an answer for people when a rule below says no."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.template.loader import render_to_string

from core.problems import Problem

log = logging.getLogger(__name__)


class Compress(GZipMiddleware):
    """Pages, sheets and scripts travel small, also those that nobody compressed ahead; what the API says does not."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return response
        return super().process_response(request, response)


class ProblemPages:
    """A Problem that no view turned into a message is a page with its words and its status.

    So is a database that does not answer: a page that asks it for nothing more. TRACE, which Django lets through to
    views as it does GET, is refused: no page is for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "TRACE" and not request.path.startswith("/api/"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        if isinstance(error, OperationalError | InterfaceError):
            log.warning("The database is not there: %s", error)
            return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "5"})
        if not isinstance(error, Problem):
            return None
        return render(request, "web/problem.html", {"problem": error}, status=error.status)
