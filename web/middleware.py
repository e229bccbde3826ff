"""What every page shares: its weight, and an answer for people when a rule below says no."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from core.problems import Problem


class Compress(GZipMiddleware):
    """Pages, sheets and scripts travel small, also those that nobody compressed ahead; what the API says does not."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/api/"):
            return response
        return super().process_response(request, response)


class ProblemPages:
    """A Problem that no view turned into a message is a page with its words and its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Problem) or request.path.startswith("/api/"):
            return None
        return render(request, "web/problem.html", {"problem": error}, status=error.status)
