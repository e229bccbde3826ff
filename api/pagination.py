"""Every page costs the same."""

from __future__ import annotations

from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from core.problems import ValidationError


class NewestFirst(CursorPagination):
    """By id, which is by time of creation: UUIDv7. `ordering=created_at` reverses it."""

    ordering = "-id"
    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        return ("-id",) if request.query_params.get("ordering", "-").startswith("-") else ("id",)

    def encode_cursor(self, cursor: Cursor) -> str:
        """Signed, so that only our own cursors are accepted."""
        place = Signer(salt="api.cursor").sign_object([cursor.offset, cursor.reverse, cursor.position])
        return replace_query_param(str(self.base_url), self.cursor_query_param, place)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ValidationError for a cursor that we did not sign."""
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return None
        try:
            return Cursor(*Signer(salt="api.cursor").unsign_object(given))
        except BadSignature as error:
            raise ValidationError({"cursor": ["Send a cursor as it was given to you."]}) from error

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return envelope(schema)


def envelope(results: dict[str, Any]) -> dict[str, Any]:
    link = {"type": ["string", "null"], "format": "uri"}
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": results, "next": link, "previous": link},
    }
