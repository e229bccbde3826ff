from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.models.account import Account, Membership
from core.models.base import BaseModel
from core.validation.email import LONGEST_EMAIL, canonical_email


class Invitation(BaseModel):
    """An offer of a place in an account: it takes a seat of the plan and gives no rights.

    Deleted once it is accepted, declined or withdrawn.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=LONGEST_EMAIL)
    email_canonical = models.CharField(max_length=LONGEST_EMAIL, editable=False)
    role = models.CharField(max_length=10, choices=Membership.Role, default=Membership.Role.MEMBER)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    status = "invited"
    user_id = None

    class Meta:
        constraints = [models.UniqueConstraint(name="invitation_once", fields=["account", "email_canonical"])]
        indexes = [models.Index(name="invitation_by_email", fields=["email_canonical"])]

    def __str__(self) -> str:
        return f"{self.email} invited to {self.account}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email_canonical = canonical_email(self.email)
        super().save(*args, **kwargs)
