"""Admin pages whose cost does not grow with the table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MAX_LISTED_ROWS = 10_000  # older ones are found by search


class BoundedPaginator(Paginator):
    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: MAX_LISTED_ROWS + 1].count())


class ReadOnly(admin.ModelAdmin):
    """Rows that only the engine or an action writes."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def link_to(machine: str, key: UUID | None, *, words: str = "") -> str:
    """A link to the admin page of an object; plain text if there is none."""
    if key is None:
        return "-"
    words = words or f"{machine} {key}"
    try:
        return format_html('<a href="{}">{}</a>', reverse(f"admin:core_{machine}_change", args=[key]), words)
    except NoReverseMatch:
        return words


def listed(rows: Iterable[tuple[Any, ...]], *, empty: str = "none") -> SafeString:
    """Cells are escaped unless marked safe."""
    lines = [format_html("<tr>{}</tr>", format_html_join("", "<td>{}</td>", ((cell,) for cell in row))) for row in rows]
    if not lines:
        return SafeString(empty)
    return format_html('<table class="rows">{}</table>', format_html_join("", "{}", ((line,) for line in lines)))
