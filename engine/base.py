from __future__ import annotations

from django.db import models

from engine.ids import uuid7


class BaseModel(models.Model):
    """A row with a UUIDv7 key that the application makes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True
