from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.models.base import BaseModel
from core.models.guards import SetOnce
from core.models.invoice import Invoice
from core.models.user import User
from core.validation.email import LONGEST_EMAIL
from engine.triggers import NoDelete


class InvoiceLinkQuerySet(models.QuerySet["InvoiceLink"]):
    def open(self) -> InvoiceLinkQuerySet:
        return self.filter(revoked_at__isnull=True, expires_at__gt=Now())


class InvoiceLink(BaseModel):
    """Shows one invoice to who has its address, without signing in, and lets them claim a payment of it.

    Its address is the signed key of this row. It ends when it is revoked, or at `expires_at`.
    """

    invoice = models.ForeignKey(Invoice, models.PROTECT, db_index=False, related_name="links")
    recipient = models.EmailField(max_length=LONGEST_EMAIL, blank=True)  # canonical; erased with the person
    created_by = models.ForeignKey(  # null: a mail carries it
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )

    objects = InvoiceLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            # Target of a payment's composite foreign key: a claim by link is of the link's invoice.
            models.UniqueConstraint(name="invoice_link_of_invoice", fields=["invoice", "id"]),
            models.CheckConstraint(name="invoice_link_ends_later", condition=Q(expires_at__gt=F("created_at"))),
            models.CheckConstraint(
                name="invoice_link_revoked_at_some_time", condition=Q(revoked_by=None) | Q(revoked_at__isnull=False)
            ),
            NoDelete(name="invoice_link_kept"),
            SetOnce(name="invoice_link_set_once", columns=["revoked_at", "revoked_by_id"], erasable=["recipient"]),
        ]

    def __str__(self) -> str:
        return f"link to {self.invoice} for {self.recipient or 'somebody who is not named'}"

    def is_made_by(self, user: User) -> bool:
        return self.created_by_id == user.pk
