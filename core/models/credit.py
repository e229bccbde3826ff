from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.account import Account
from core.models.base import BaseModel
from core.models.invoice import Invoice
from engine.models import Transition
from engine.triggers import AppendOnly


class CreditEntry(BaseModel):
    """One line of an account's credit ledger: append-only, corrected by opposite lines.

    `amount` is negative when credits go. `key` names the reason once per account.
    """

    class Kind(models.TextChoices):
        GRANT = "grant"
        CONSUME = "consume"
        REVOKE = "revoke"
        ADJUST = "adjust"

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="credit_entries")
    kind = models.CharField(max_length=10, choices=Kind)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    key = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True)
    invoice = models.ForeignKey(Invoice, models.PROTECT, null=True, related_name="credit_entries")  # that earned it
    cause = models.ForeignKey(Transition, models.PROTECT, null=True, related_name="credit_entries")
    # A member of the staff, who gave or took them. Customers never read this.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "credit entries"
        constraints = [
            AppendOnly(name="credit_entry_append_only"),
            models.UniqueConstraint(name="credit_entry_once", fields=["account", "key"]),
            models.CheckConstraint(name="credit_entry_not_zero", condition=~Q(amount=0)),
            models.CheckConstraint(name="credit_balance_not_negative", condition=Q(balance_after__gte=0)),
        ]
        permissions = [("adjust_credits", "Adjust the credits of an account")]
        indexes = [
            models.Index(name="credit_entry_newest", fields=["account", "-id"]),
            models.Index(name="credit_entry_by_person", fields=["actor"], condition=Q(actor__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+} ({self.kind})"
