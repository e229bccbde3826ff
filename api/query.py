"""Unknown and repeated parameters are refused."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.fields import Choice, StrictSerializer, Text
from api.pagination import NewestFirst
from core.problems import ValidationError
from core.validation.text import SMALL_NUMBER


class Query(StrictSerializer):
    """Query parameters of a view. A list subclasses `ListQuery` and adds its filters."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """Raises ValidationError."""
        given = request.query_params
        if not given and not cls._declared_fields:
            return {}
        if twice := [name for name in given if len(given.getlist(name)) > 1]:
            raise ValidationError({name: ["Give this once."] for name in twice})
        query = cls(data=given.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


class Number(serializers.Field):
    """An integer in ASCII digits."""

    def __init__(self, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least, self.most = least, most

    def to_internal_value(self, data: Any) -> int:
        if SMALL_NUMBER.fullmatch(data) and self.least <= int(data) <= self.most:
            return int(data)
        raise serializers.ValidationError(f"Send a number from {self.least} to {self.most}.")

    @property
    def openapi(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class ListQuery(Query):
    """`of` returns the filters only: `api.pagination` reads page and order itself."""

    cursor = Text(max_length=400, required=False, help_text="Where to go on, from `next` or `previous`.")
    page_size = Number(least=1, most=NewestFirst.max_page_size, required=False)
    ordering = Choice(["-created_at", "created_at"], required=False, help_text="The newest first, or the oldest.")

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        if not request.query_params:
            return {}  # filters have no defaults
        page = ListQuery._declared_fields
        return {name: value for name, value in super().of(request).items() if name not in page}
