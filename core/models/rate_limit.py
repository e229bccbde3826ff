"""How often somebody has tried: what `core.security.rate_limits` counts."""

from __future__ import annotations

from django.db import models


class RateLimitBucket(models.Model):
    """How much of a limit is used up: nothing any more when `until` is past, and then the row may go.

    `key` names the limit and holds a digest of whom it counts: no e-mail or network address is kept.
    """

    key = models.CharField(max_length=64, primary_key=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key} until {self.until}"
