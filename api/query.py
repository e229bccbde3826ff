"""What may stand behind the question mark: nothing that is not named, and everything at most once."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.fields import StrictSerializer, Text
from api.pagination import NewestFirst
from core.problems import ValidationError


class Query(StrictSerializer):
    """The parameters of an address; a list adds its filters to those of `ListQuery`."""

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What the caller gave, checked. Raises ValidationError."""
        given = request.query_params
        if twice := [name for name in given if len(given.getlist(name)) > 1]:
            raise ValidationError({name: ["Give this once."] for name in twice})
        query = cls(data=given.dict())
        query.is_valid(raise_exception=True)
        return dict(query.validated_data)


class PageSize(serializers.Field):
    def to_internal_value(self, data: Any) -> int:
        if re.fullmatch(r"[0-9]{1,3}", data, re.ASCII) and 1 <= int(data) <= NewestFirst.max_page_size:
            return int(data)
        raise serializers.ValidationError(f"Send a number from 1 to {NewestFirst.max_page_size}.")


class ListQuery(Query):
    """The page is chosen by `api.pagination`; what remains are filters."""

    cursor = Text(max_length=400, required=False)
    page_size = PageSize(required=False)

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        return {name: value for name, value in super().of(request).items() if name not in ListQuery().fields}
