from __future__ import annotations

from django.db import models

from engine.ids import uuid7


class BaseModel(models.Model):
    """The application makes the keys, UUIDv7."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True
