from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django_fsm import transition

from core.models.base import BaseModel, StatefulModel
from core.models.guards import MembershipRecorded, OwnerKept
from core.models.user import User
from core.validation.email import canonical_email
from engine.stateful import StatusField
from engine.triggers import AppendOnly

if TYPE_CHECKING:
    from core.models.payment_method import PaymentMethod

LONGEST_NAME = 150
ERASED_NAME = "Erased"
BILLING_FIELDS = (
    "billing_email",
    "address_line1",
    "address_line2",
    "city",
    "state",
    "postal_code",
    "country",
    "tax_id",
)
# How erasing its last person leaves an account.
ERASED = {"status": "closed", "name": ERASED_NAME, "billing_email": ""}


def languages() -> list[tuple[str, str]]:
    """A callable, so that a new language needs no migration."""
    return list(settings.LANGUAGES)


class AccountQuerySet(models.QuerySet["Account"]):
    def visible_to(self, user: User) -> AccountQuerySet:
        return self if user.can_read_all_accounts() else self.filter(memberships__user=user)


class Account(StatefulModel):
    """A customer, who pays for a subscription and uses credits.

    trial | pending_payment -> active -> past_due -> suspended -> expired; any -> closed.
    """

    class Status(models.TextChoices):
        TRIAL = "trial"
        PENDING_PAYMENT = "pending_payment"
        ACTIVE = "active"
        PAST_DUE = "past_due"
        SUSPENDED = "suspended"
        EXPIRED = "expired"
        CLOSED = "closed"

    class ConsumeBy(models.TextChoices):
        ALL = "all"  # viewers, too
        MEMBER = "member"
        ADMIN = "admin"  # and owners

    INITIAL_STATES = (Status.TRIAL, Status.PENDING_PAYMENT)

    name = models.CharField(max_length=LONGEST_NAME)
    status = StatusField(choices=Status)
    credits = models.BigIntegerField(default=0, editable=False)  # cached: the sum of its CreditEntries
    currency = models.CharField(max_length=3, default="USD")
    time_zone = models.CharField(max_length=64, default="UTC")
    language = models.CharField(max_length=10, choices=languages, default="en", db_default="en")
    consume_by = models.CharField(
        max_length=10, choices=ConsumeBy, default=ConsumeBy.ALL, db_default=ConsumeBy.ALL, editable=False
    )
    attaches_documents = models.BooleanField(default=True, db_default=True)  # to mails; else a link alone
    trial_ends_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    billing_email = models.EmailField(max_length=254, blank=True)
    address_line1 = models.CharField(max_length=200, blank=True)
    address_line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=100, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, blank=True)
    tax_id = models.CharField(max_length=32, blank=True)

    # When a payment was first approved: it proves the customer, and their billing address of that moment.
    proved_at = models.DateTimeField(null=True, blank=True, editable=False)
    proved_email = models.CharField(max_length=254, blank=True, default="", db_default="", editable=False)  # canonical
    refused_email = models.CharField(max_length=254, blank=True, default="", db_default="", editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="account_credits_not_negative", condition=Q(credits__gte=0)),
            models.CheckConstraint(
                name="account_consume_by_known", condition=Q(consume_by__in=["all", "member", "admin"])
            ),
        ]
        permissions = [("manage_accounts", "Close accounts and assign internal plans")]

    def __str__(self) -> str:
        return self.name

    @property
    def tenant_id(self) -> UUID:
        return self.id

    def billing_snapshot(self) -> dict[str, str]:
        return {field: getattr(self, field) for field in BILLING_FIELDS}

    @property
    def is_billing_email_proved(self) -> bool:
        return bool(self.billing_email) and self.proved_email == canonical_email(self.billing_email)

    @property
    def is_billing_email_refused(self) -> bool:
        return bool(self.billing_email) and self.refused_email == canonical_email(self.billing_email)

    @property
    def default_payment_method(self) -> PaymentMethod | None:
        """The method of the last payment, else the chosen one."""
        last = self.payments.exclude(status="failed").select_related("method").order_by("-id").first()
        if last is not None:
            return last.method
        invoice = self.invoices.filter(payment_method__isnull=False).order_by("-id").first()
        return invoice.payment_method if invoice else None

    def may_be_changed_by(self, user: User) -> bool:
        return user.role_in(self.pk) in Membership.MAY_PAY

    def may_be_closed_by(self, user: User) -> bool:
        return user.role_in(self.pk) == Membership.Role.OWNER or user.may_decide_on(self.pk, "core.manage_accounts")

    @transition(
        field=status,
        source=[Status.TRIAL, Status.PENDING_PAYMENT, Status.PAST_DUE, Status.SUSPENDED],
        target=Status.ACTIVE,
    )
    def activate(self) -> None:
        """It has been paid."""

    @transition(field=status, source=Status.ACTIVE, target=Status.PAST_DUE)
    def fall_behind(self) -> None:
        """An invoice is overdue; workflows/actions/service_rules.py says what each state allows."""

    @transition(field=status, source=Status.PAST_DUE, target=Status.SUSPENDED)
    def suspend(self) -> None:
        """No new sites, invitations or use of credits until the invoice is paid."""

    @transition(
        field=status,
        source=[Status.TRIAL, Status.PENDING_PAYMENT, Status.ACTIVE, Status.SUSPENDED],
        target=Status.EXPIRED,
    )
    def expire(self) -> None:
        """Like suspended, until a plan is chosen again."""

    @transition(field=status, source=Status.EXPIRED, target=Status.PENDING_PAYMENT)
    def await_payment(self) -> None:
        """A plan was chosen again."""

    @transition(
        field=status,
        source=[
            Status.TRIAL,
            Status.PENDING_PAYMENT,
            Status.ACTIVE,
            Status.PAST_DUE,
            Status.SUSPENDED,
            Status.EXPIRED,
        ],
        target=Status.CLOSED,
        permission=may_be_closed_by,
    )
    def close(self, *, by: User) -> None:
        """By the customer or by staff."""


class MembershipQuerySet(models.QuerySet["Membership"]):
    def last_owners(self) -> MembershipQuerySet:
        staying = Membership.objects.filter(account=OuterRef("account"), role=Membership.Role.OWNER)
        staying = staying.exclude(pk__in=list(self.values_list("pk", flat=True)))
        owners = self.filter(role=Membership.Role.OWNER).exclude(account__status=Account.Status.CLOSED)
        return owners.exclude(Exists(staying))


class Membership(BaseModel):
    """A person belongs to one account at most."""

    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        VIEWER = "viewer"

    MAY_PAY = frozenset({Role.OWNER, Role.ADMIN})

    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="membership")
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)

    status = "member"

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [OwnerKept(name="membership_owner_kept"), MembershipRecorded(name="membership_recorded")]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"

    @property
    def email(self) -> str:
        return self.user.email

    def clean(self) -> None:
        if self._state.adding and User.objects.filter(pk=self.user_id, is_staff=True).exists():
            raise ValidationError({"user": "Somebody of the staff cannot belong to an account: they decide on them."})
        mine = Membership.objects.filter(pk=self.pk)
        if self.role != Membership.Role.OWNER and mine.last_owners().exists():
            raise ValidationError({"role": "An account keeps at least one owner: make somebody else one first."})


class MembershipRecord(BaseModel):
    """Who belongs or belonged to which account: written by a trigger, never deleted."""

    # No foreign keys: they would prevent deleting a person or an account.
    # No foreign keys: they would prevent deleting a person or an account.
    account_id = models.UUIDField()
    user_id = models.UUIDField()
    joined_at = models.DateTimeField(db_default=Now())  # the first time

    class Meta:
        constraints = [
            AppendOnly(name="membership_record_append_only"),
            models.UniqueConstraint(name="membership_record_once", fields=["user_id", "account_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.account_id}"
