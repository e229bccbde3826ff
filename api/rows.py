"""What a row of ours looks like to `reader`, a page of them at a time.

A `RowOut` goes through its fields as plain functions, which each class finds once. DRF copies the fields for each
request, 0.3 ms of CPU for 20, and asks each field of each row where its value is, what stands in for it and whether it
may be called: for 25 payments 1.3 instead of 0.7 ms. The words are the same, but that a column which is not there is
our mistake. (Said here, as a serializer's own text is published.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

from rest_framework.fields import Field, SerializerMethodField, empty
from rest_framework.serializers import Serializer

from core.models import User

Find = Callable[[Any], Any]
Write = Callable[[Any], Any]


class RowOut(Serializer):
    @cached_property
    def reader(self) -> User:
        user: User = self.context["request"].user
        return user

    def to_representation(self, instance: Any) -> dict[str, Any]:
        row = {}
        for name, find, write in self._columns:
            value = find(instance)
            row[name] = None if value is None else write(value)
        return row

    @cached_property
    def _columns(self) -> list[tuple[str, Find, Write]]:
        return [
            (name, find, getattr(self, own) if own else write) for name, find, write, own in _columns_of(type(self))
        ]


@cache
def _columns_of(model: type[RowOut]) -> list[tuple[str, Find, Write, str]]:
    """Of each field its name, its way to a value, how that is written, or by which method of the serializer."""
    return [
        (
            str(field.field_name),
            _finder(field),
            field.to_representation,
            str(field.method_name) if isinstance(field, SerializerMethodField) else "",
        )
        for field in model()._readable_fields
    ]


def _finder(field: Field[Any, Any, Any, Any]) -> Find:
    """The way from a row to the value of a field."""
    if field.default is not empty:
        return field.get_attribute  # which knows when to fall back on it
    path = ".".join(field.source_attrs)
    return attrgetter(path) if path else _itself


def _itself(row: Any) -> Any:
    """Of a field that is made of more than one column."""
    return row
