from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.models.base import BaseModel, MoneyField
from core.models.payee_guards import PayeeVersionKept
from core.models.payment_method import PaymentMethod
from engine.triggers import NoDelete

PAYEE = ("fields", "instructions", "tolerance_percent", "tolerance_max")


class PayeeVersionQuerySet(models.QuerySet["PayeeVersion"]):
    def waiting(self) -> PayeeVersionQuerySet:
        return self.filter(in_force_at=None, withdrawn_at=None)

    def in_force(self) -> PayeeVersionQuerySet:
        return self.filter(in_force_at__isnull=False)

    def known_at(self, moment: datetime) -> PayeeVersionQuerySet:
        """Versions that an invoice issued then may show; the highest number counts."""
        # A version from before any invoice showed the method counts for earlier ones, too.
        return self.in_force().filter(Q(at_once=True) | Q(in_force_at__lte=moment))


class PayeeVersion(BaseModel):
    """The payee of a method, its instructions and its tolerance: append-only.

    asked for -> (confirmed ->) in force, or withdrawn. Without an issued invoice that shows the method: in force at
    once.
    """

    # An unused method may be deleted, its versions stay.
    method = models.ForeignKey(PaymentMethod, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    number = models.PositiveIntegerField()  # 1, 2, 3... of its method
    fields = models.JSONField(default=dict)
    instructions = models.JSONField(default=dict)
    tolerance_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tolerance_max = MoneyField(default=0)
    asked_by = models.ForeignKey(  # null: the operator of the machine
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    asked_at = models.DateTimeField(db_default=Now())
    wait_hours = models.PositiveSmallIntegerField(default=0)  # as the policy was then
    alone_hours = models.PositiveSmallIntegerField(default=0)  # where nobody else could confirm
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True)
    at_once = models.BooleanField(default=False)  # no issued invoice showed the method
    in_force_at = models.DateTimeField(null=True)

    objects = PayeeVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="payee_version_number", fields=["method", "number"]),
            models.UniqueConstraint(
                name="payee_version_one_waits", fields=["method"], condition=Q(in_force_at=None, withdrawn_at=None)
            ),
            models.CheckConstraint(
                name="payee_version_confirmed_by_another",
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="payee_version_ends_once", condition=Q(in_force_at=None) | Q(withdrawn_at=None)
            ),
            NoDelete(name="payee_version_kept"),
            PayeeVersionKept(name="payee_version_guard"),
        ]

    def __str__(self) -> str:
        return f"payee {self.number}"

    @classmethod
    def from_method(cls, method: PaymentMethod, **fields: Any) -> PayeeVersion:
        return cls(method_id=method.pk, **{name: getattr(method, name) for name in PAYEE}, **fields)

    @property
    def is_waiting(self) -> bool:
        return self.in_force_at is None and self.withdrawn_at is None

    @property
    def earliest_at(self) -> datetime:
        """Depends on whether it is confirmed."""
        hours = self.alone_hours if self.confirmed_by_id is None else self.wait_hours
        return self.asked_at + timedelta(hours=hours)

    def apply_to(self, method: PaymentMethod) -> None:
        for name in PAYEE:
            setattr(method, name, getattr(self, name))


def same_payee(one: PaymentMethod | PayeeVersion, other: PaymentMethod | PayeeVersion) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in PAYEE)
