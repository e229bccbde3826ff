"""Lazy: pages without navigation do not query for it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from web.navigation import nav_of
from workflows.mail.brand import kept_brand


def page(request: HttpRequest) -> dict[str, Any]:
    return {
        "nav": SimpleLazyObject(lambda: nav_of(request)),
        "brand": SimpleLazyObject(kept_brand),
        "support": SimpleLazyObject(lambda: kept_brand().contacts),
    }
