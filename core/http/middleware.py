from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from engine.context import request_id
from engine.ids import uuid7

current_request: ContextVar[HttpRequest | None] = ContextVar(
    "current_request", default=None
)  # for core.security.events

NO_DEVICES = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdMiddleware:
    """Keep the caller's X-Request-ID if it is a plain word, else make one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        name = given if ACCEPTABLE.fullmatch(given) else str(uuid7())
        token, asking = request_id.set(name), current_request.set(request)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
            current_request.reset(asking)
        response["X-Request-ID"] = name
        return response


class LanguageMiddleware(LocaleMiddleware):
    """English for the API and for staff, whose texts are not translated."""

    ENGLISH = ("/api/", "/admin/", "/desk/")

    def process_request(self, request: HttpRequest) -> None:
        if not request.path_info.startswith(self.ENGLISH):
            super().process_request(request)
            return
        translation.activate("en")
        request.LANGUAGE_CODE = "en"

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        # English-only responses do not vary with Accept-Language.
        if request.path_info.startswith(self.ENGLISH):
            return response
        return super().process_response(request, response)


class SecurityHeadersMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", NO_DEVICES)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            if settings.SESSION_COOKIE_NAME in request.COOKIES:
                response.headers.setdefault("Cache-Control", "private, no-store")
        return response
