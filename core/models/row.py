"""What every table of ours shares."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.money import CEILING


class Row(models.Model):
    """A row with a UUIDv7 key that the application makes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class MoneyField(models.DecimalField):
    """An amount of the currency that stands beside it, in `numeric(19, 4)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "max_digits": 19, "decimal_places": 4})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs


def positive(*fields: str) -> Q:
    """Above zero and below the ceiling: `> 0` alone would admit NaN."""
    return Q(**{f"{field}__gt": Decimal(0) for field in fields}) & _below_ceiling(*fields)


def not_negative(*fields: str) -> Q:
    return Q(**{f"{field}__gte": Decimal(0) for field in fields}) & _below_ceiling(*fields)


def _below_ceiling(*fields: str) -> Q:
    return Q(**{f"{field}__lt": CEILING for field in fields})
