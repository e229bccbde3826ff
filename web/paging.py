"""Every page costs the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from web.keys import key_or_404

PER_PAGE = 20

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    rows: list[M]
    older: UUID | None  # `before` of the next page
    is_first: bool

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


def page_of(rows: QuerySet[M], request: HttpRequest, *, size: int = PER_PAGE) -> Page[M]:
    """Raises Http404 if `?before=` is no id."""
    before = request.GET.get("before")
    if before:
        rows = rows.filter(pk__lt=key_or_404(before))
    found = list(rows.order_by("-pk")[: size + 1])
    older = found[size - 1].pk if len(found) > size else None
    return Page(found[:size], older, is_first=not before)
