from __future__ import annotations

from django.db import models


class RateLimitBucket(models.Model):
    """How much of a limit is used up: nothing once `until` is past. `key` is a digest: no address is kept."""

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key} until {self.until}"
