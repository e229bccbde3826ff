from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from core.models.base import BaseModel
from engine.triggers import AppendOnly


class SecurityEvent(BaseModel):
    """What was done: append-only, and names nobody. Without an actor it was the operator, or nobody signed in."""

    at = models.DateTimeField(db_default=Now())
    # No foreign keys: the log outlives the people.
    name = models.CharField(max_length=40)
    actor = models.UUIDField(null=True)
    person = models.UUIDField(null=True)
    facts = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [AppendOnly(name="security_event_append_only")]
        indexes = [models.Index(name="security_event_by_person", fields=["person", "id"])]

    def __str__(self) -> str:
        return self.name


class RefusalCount(models.Model):
    """For `/metrics`."""

    event = models.CharField(max_length=40, primary_key=True)
    total = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.event}: {self.total}"
