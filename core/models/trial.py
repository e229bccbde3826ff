from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.account import Account
from core.models.base import BaseModel


class CrowdedTrial(BaseModel):
    """A trial from a network or mail domain with many trials that day. It works normally; staff review it."""

    class Reason(models.TextChoices):
        NETWORK = "network"
        DOMAIN = "domain"

    account = models.ForeignKey(Account, models.CASCADE, related_name="crowds")
    reason = models.CharField(max_length=10, choices=Reason)
    key = models.CharField(max_length=254)  # mail domain, or digest of the network
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(name="crowded_trial_once", fields=["account", "reason"])]
        indexes = [
            models.Index(name="crowded_trial_unseen", fields=["reason", "key"], condition=Q(seen_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.reason}"
