from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q

from core.models.base import BaseModel, JsonFits
from core.models.guards import SetOnce
from engine.triggers import NoDelete

# What `duties` holds beside permissions ("core.approve_payment") and groups ("group:approver").
STAFF, SUPERUSER, ACTIVE = "staff", "superuser", "active"
GROUP = "group:"
GRANT_DUTIES = "core.grant_duties"

LIST_OF_WORDS = 'strict $.type() == "array" && !exists($[*] ? (@.type() != "string"))'


class ClockTimestamp(Func):
    """Gives two rows of one transaction an order."""

    template = "clock_timestamp()"
    output_field = models.DateTimeField()


class TransactionStart(Func):
    """Django's `Now` is the start of the statement."""

    template = "now()"
    output_field = models.DateTimeField()


class DutyGrant(BaseModel):
    """A right given or taken, or a new address of a member of the staff: requested, then in force or withdrawn.

    In force when another holder of core.grant_duties confirms it, or at `waits_until`. Taking a right works at once.
    """

    class Kind(models.TextChoices):
        GIVE = "give"
        TAKE = "take"
        EMAIL = "email"

    class Origin(models.TextChoices):
        PERSON = "person"
        OPERATOR = "operator"  # by manage.py
        BEFORE = "before"  # held before this table
        DATABASE = "database"  # by SQL of the owner of the tables, through a trigger

    kind = models.CharField(max_length=10, choices=Kind)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="duty_grants")
    group_name = models.CharField(max_length=150, blank=True)
    duties = models.JSONField(default=list)
    email = models.EmailField(max_length=254, blank=True)  # erased with the person
    reason = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=ClockTimestamp())
    waits_until = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    in_force_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [("grant_duties", "Ask for and confirm what staff may do")]
        constraints = [
            NoDelete(name="duty_grant_kept"),
            SetOnce(
                name="duty_grant_set_once",
                columns=["confirmed_by_id", "confirmed_at", "in_force_at", "withdrawn_by_id", "withdrawn_at"],
                erasable=["email"],
            ),
            models.CheckConstraint(
                name="duty_grant_of_one",
                condition=(Q(person__isnull=False) & Q(group_name=""))
                | (Q(person__isnull=True) & ~Q(group_name="") & ~Q(origin="person")),
            ),
            models.CheckConstraint(
                name="duty_grant_words", condition=Q(JsonFits("duties", path=LIST_OF_WORDS)) & ~Q(duties=[])
            ),
            models.CheckConstraint(
                name="duty_grant_asked_by_a_person",
                condition=Q(origin="person", asked_by__isnull=False, waits_until__isnull=False)
                | (~Q(origin="person") & Q(asked_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="duty_grant_for_another", condition=Q(asked_by__isnull=True) | ~Q(asked_by=F("person"))
            ),
            models.CheckConstraint(
                name="duty_grant_confirmed_by_another",
                condition=Q(confirmed_by__isnull=True)
                | (Q(confirmed_at__isnull=False) & ~Q(confirmed_by=F("person")) & ~Q(confirmed_by=F("asked_by"))),
            ),
            models.CheckConstraint(
                name="duty_grant_in_force_by_two_or_time",
                condition=Q(in_force_at__isnull=True)
                | Q(kind="take")
                | ~Q(origin="person")
                | Q(confirmed_by__isnull=False)
                | Q(in_force_at__gte=F("waits_until")),
            ),
            models.CheckConstraint(
                name="duty_grant_withdrawn_or_in_force",
                condition=Q(in_force_at__isnull=True) | Q(withdrawn_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="duty_grant_open", fields=["id"], condition=Q(in_force_at=None, withdrawn_at=None)),
        ]

    OPEN: ClassVar[Q] = Q(in_force_at__isnull=True, withdrawn_at__isnull=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.words} ({self.person or self.group_name})"

    @property
    def words(self) -> str:
        return ", ".join(self.duties)

    @property
    def is_open(self) -> bool:
        return self.in_force_at is None and self.withdrawn_at is None

    @classmethod
    def record(cls, **fields: Any) -> DutyGrant:
        """Triggers require a row that is in force in this transaction."""
        return cls.objects.create(in_force_at=TransactionStart(), **fields)
