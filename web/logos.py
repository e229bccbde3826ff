"""Logos of the seller, from our own origin; each under its digest, so that browsers keep it for ever."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from core.models import Logo

CONTENT_TYPES = {Logo.Kind.PNG: "image/png", Logo.Kind.SVG: "image/svg+xml"}
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    # Who opens an SVG by its address gets a picture that loads nothing and in which nothing runs.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
}


@require_safe
def brand_logo(request: HttpRequest, sha256: str) -> HttpResponse:
    logo = get_object_or_404(Logo, sha256=sha256)
    return HttpResponse(bytes(logo.content), content_type=CONTENT_TYPES[Logo.Kind(logo.kind)], headers=HEADERS)
