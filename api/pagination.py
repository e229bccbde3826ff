"""Lists by cursor: any page costs the same."""

from __future__ import annotations

from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from core.problems import ValidationError


class NewestFirst(CursorPagination):
    """By key, which is by birth: UUIDv7."""

    ordering = "-id"
    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Where to go on. Raises ValidationError for a cursor that we did not make."""
        try:
            cursor: Cursor | None = super().decode_cursor(request)
            if cursor is not None and cursor.position is not None:
                UUID(str(cursor.position))
        except (NotFound, ValueError) as error:
            raise ValidationError({"cursor": ["Send a cursor as it was given to you."]}) from error
        return cursor
