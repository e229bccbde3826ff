from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from django.urls import URLPattern, URLResolver, resolve

from tests.browser.pages import BY_POST, EVERY, NO_PAGES
from web import urls


def names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield str(pattern.name)
        elif not str(pattern.pattern).startswith("admin/"):
            yield from names(pattern.url_patterns)


def test_every_page_is_checked_for_accessibility():
    keys = dict.fromkeys(
        (
            "invoice",
            "payment",
            "site",
            "account",
            "effect",
            "person",
            "file",
            "table",
            "line",
            "credit_note",
            "refund",
            "plan",
            "method",
            "link",
            "document",
        ),
        uuid4(),
    )
    tried = {resolve(path.format(**keys).partition("?")[0]).url_name for path in EVERY}

    assert set(names(urls.urlpatterns)) == tried | BY_POST | NO_PAGES
