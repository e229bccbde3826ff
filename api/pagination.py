"""Lists by cursor: any page costs the same."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """By key, which is by birth: UUIDv7."""

    ordering = "-id"
    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"
