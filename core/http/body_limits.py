"""How large the body of a request may be: asked before anything of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from core.validation.text import SMALL_NUMBER

FORM_MAX_BYTES = 64 * 1024  # of a multipart body beside its file
View = TypeVar("View", bound=Callable[..., Any])


def takes_bytes(limit: int) -> Callable[[View], View]:
    """Of a view that takes a file: what the whole form may have."""

    def mark(view: View) -> View:
        view.BODY_MAX_BYTES = limit  # type: ignore[attr-defined]
        return view

    return mark


def body_limit(request: HttpRequest) -> int:
    """In bytes; of a form, where its view takes files, they count too."""
    usual: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if request.content_type != "multipart/form-data":
        return usual
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return usual
    return int(getattr(getattr(view, "cls", view), "BODY_MAX_BYTES", usual))


def is_larger_than(limit: int, request: HttpRequest) -> bool:
    """By Content-Length: Django reads no more than that, and nothing without it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not SMALL_NUMBER.fullmatch(length) or int(length) > limit
