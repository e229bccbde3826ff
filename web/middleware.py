from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from core.http.body_limits import body_limit, is_larger_than
from core.problems import MalformedRequest, PayloadTooLarge, Problem
from core.security.sessions import is_staff_session_over, record_activity

log = logging.getLogger(__name__)


class Compress(GZipMiddleware):
    """Compresses HTML, CSS and JavaScript; never answers of the API, nor files that are compressed already."""

    COMPRESSED = ("application/pdf", "application/zip")

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/api/") or response.get("Content-Type") in self.COMPRESSED:
            return response
        return super().process_response(request, response)


class ProblemPages:
    """Shows a Problem that no view handled as a page. Also refuses TRACE, URLs with NUL, and too large bodies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "TRACE" and not request.path.startswith("/api/"):
            return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
        if request.path.startswith("/api/"):
            return self.get_response(request)
        if _has_nul(request):
            return _page_of(MalformedRequest(_("The address contains characters that cannot be.")), request)
        if is_larger_than(_limit_of(request), request):
            return _too_large(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path.startswith("/api/"):
            return None
        if isinstance(error, OperationalError | InterfaceError):
            log.warning("The database is not there: %s", error)
            return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "5"})
        if not isinstance(error, Problem):
            return None
        return _page_of(error, request)


class StaffSessions:
    """Sessions of staff end 12 hours after sign-in and 30 minutes after the last request.

    Polling by htmx does not count as a request: the person may have left.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session and is_of_staff(request.user):
            if is_staff_session_over(request.session):
                request.session.flush()
                request.user = AnonymousUser()
            elif request.method != "GET" or not request.headers.get("HX-Request"):
                record_activity(request.session)
        return self.get_response(request)


def is_of_staff(user: Any) -> bool:
    return bool(user.is_authenticated and (user.is_staff or user.is_superuser))


def _page_of(problem: Problem, request: HttpRequest) -> HttpResponse:
    return render(request, "web/problem.html", {"problem": problem}, status=problem.status)


def _too_large(request: HttpRequest) -> HttpResponse:
    """A session may have ended while its file was chosen: then to the sign-in page."""
    if not request.user.is_authenticated and not is_larger_than(body_limit(request), request):
        return redirect_to_login(request.get_full_path())
    return _page_of(PayloadTooLarge(""), request)  # its title says it


def _limit_of(request: HttpRequest) -> int:
    """Files are taken of staff alone; a form's token is looked for in its body, so that it is read before any view."""
    usual: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return body_limit(request) if is_of_staff(request.user) else usual


def _has_nul(request: HttpRequest) -> bool:
    given = (word for name, values in request.GET.lists() for word in (name, *values))
    return any("\0" in word for word in (request.path, *given))
