from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class IdempotentResponse(models.Model):
    """The first answer to an Idempotency-Key, kept in the transaction of its work."""

    scope = models.CharField(max_length=100)  # the caller
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)  # of method, path and body
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="keyed_answer_once", fields=["scope", "key"])]
        indexes = [models.Index(name="keyed_answer_age", fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}: {self.status}"
