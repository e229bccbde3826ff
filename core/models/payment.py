from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django_fsm import transition

from core.models.account import Account, Membership
from core.models.base import BaseModel, MoneyField, StatefulModel, positive_amount
from core.models.guards import LinkMakerApart, OutsiderDecides
from core.models.invoice import Invoice
from core.models.payment_method import PaymentMethod
from core.models.user import User
from core.money import check_amount, money_text
from core.problems import ValidationError
from core.validation.payment_days import check_day
from core.validation.text import check_reason, search_key
from engine.stateful import StatusField
from engine.triggers import AppendOnly, Frozen

KEY_LENGTH = 140
LONGEST_REASON = 500  # characters


class PlannedAllocation(NamedTuple):
    invoice_id: UUID
    amount: Decimal

    @classmethod
    def parse(cls, kept: dict[str, str]) -> PlannedAllocation:
        return cls(UUID(kept["invoice"]), Decimal(kept["amount"]))

    def as_kept(self) -> dict[str, str]:
        return {"invoice": str(self.invoice_id), "amount": f"{self.amount:f}"}


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: User) -> PaymentQuerySet:
        if user.can_read_all_accounts():
            return self
        # A join would read all payments to find the newest of one account.
        return self.filter(account=Membership.objects.filter(user=user).values("account")[:1])

    def in_review(self) -> PaymentQuerySet:
        return self.filter(status__in=[Payment.Status.PENDING_APPROVAL, Payment.Status.APPROVED])

    def awaiting_review(self) -> PaymentQuerySet:
        return self.filter(status=Payment.Status.PENDING_APPROVAL).order_by("created_at", "id")

    def with_earlier_use(self) -> PaymentQuerySet:
        """`was_used_elsewhere`: another account claimed the same reference earlier."""
        return self.annotate(was_used_elsewhere=Exists(claims_before().exclude(account=OuterRef("account"))))

    def as_shown(self) -> PaymentQuerySet:
        return self.select_related("invoice", "method", "claimed_by_link").only(
            *(field.name for field in Payment._meta.concrete_fields),
            "invoice__number",
            "claimed_by_link__created_by",
            "claimed_by_link__recipient",
            "method__code",
            "method__reference_pattern",
        )


def claims_before() -> PaymentQuerySet:
    """With the same reference, of any account and in any state."""
    same = Payment.objects.filter(reference_key=OuterRef("reference_key"), pk__lt=OuterRef("pk"))
    return same.exclude(reference_key="")


class Payment(StatefulModel):
    """A customer's claim to have paid an invoice outside this system.

    pending_approval -> approved -> succeeded; or failed, cancelled. Nothing is granted until staff approve.
    """

    class Status(models.TextChoices):
        PENDING_APPROVAL = "pending_approval"
        APPROVED = "approved"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        REVERSED = "reversed"

    class Reason(models.TextChoices):
        NOT_RECEIVED = "not_received"
        AMOUNT_SHORT = "amount_short"
        WRONG_CURRENCY = "wrong_currency"
        DUPLICATE_REFERENCE = "duplicate_reference"
        UNREADABLE_PROOF = "unreadable_proof"
        PROOF_MISMATCH = "proof_mismatch"
        WRONG_BENEFICIARY = "wrong_beneficiary"
        PAYER_MISMATCH = "payer_mismatch"
        INVOICE_CLOSED = "invoice_closed"
        SUSPECTED_FRAUD = "suspected_fraud"
        OTHER = "other"

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="payments")
    invoice = models.ForeignKey(  # null: on account, all of it goes to the balance
        Invoice, models.PROTECT, null=True, blank=True, related_name="payments"
    )
    bank_line = models.ForeignKey(  # that it was recorded from
        "core.StatementLine", models.PROTECT, null=True, blank=True, editable=False, db_index=False, related_name="+"
    )
    method = models.ForeignKey(PaymentMethod, models.PROTECT, db_index=False, related_name="+")
    status = StatusField(choices=Status, default=Status.PENDING_APPROVAL)
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    received = MoneyField(null=True, blank=True)  # as staff saw it arrive
    # Taken back in parts by the bank. Less than `received`: all of it is a reversal.
    returned = MoneyField(default=Decimal(0), db_default=Decimal(0), editable=False)
    value_date = models.DateField(null=True, blank=True)
    reference = models.CharField(max_length=140, blank=True)
    reference_key = models.CharField(max_length=KEY_LENGTH, blank=True, editable=False)
    notes = models.TextField(max_length=2000, blank=True)
    proof_url = models.CharField(max_length=1000, blank=True)  # an https address: shown, never fetched
    paid_on = models.DateField(null=True, blank=True)
    payer_name = models.CharField(max_length=140, blank=True)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    claimed_by_link = models.ForeignKey(  # then a service submitted it for who has the link
        "core.InvoiceLink", models.PROTECT, null=True, blank=True, editable=False, db_index=False, related_name="+"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    reason_code = models.CharField(max_length=30, choices=Reason, blank=True)
    admin_notes = models.TextField(max_length=2000, blank=True)
    # Read by `planned_allocations`; empty: all to its invoice.
    allocation_plan = models.JSONField(default=list, blank=True)
    reversed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    reversal_reason = models.CharField(max_length=LONGEST_REASON, blank=True)
    retry_of = models.ForeignKey("self", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    # Another claim of its invoice was in review: perhaps the same money.
    is_further = models.BooleanField(default=False, db_default=False, editable=False)
    # Claims of its account that awaited a decision when it came: the queue ranks one of each account at a time.
    waiting_before = models.SmallIntegerField(default=0, db_default=0, editable=False)
    # Its reference identifies one transfer. False also for the later of two equal ones from before this rule.
    reference_counts = models.BooleanField(default=True, db_default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="payment_decided_by_another", condition=~Q(decided_by=F("submitted_by"))),
            models.CheckConstraint(name="payment_amount_in_range", condition=positive_amount("amount")),
            models.CheckConstraint(
                name="payment_received_in_range", condition=Q(received__isnull=True) | positive_amount("received")
            ),
            models.CheckConstraint(
                name="payment_decided_is_complete",
                condition=~Q(status__in=["approved", "succeeded", "reversed"])
                | Q(decided_by__isnull=False, received__isnull=False),
            ),
            models.UniqueConstraint(
                name="payment_reference_of_one_transfer",  # whatever the method
                fields=["account", "reference_key"],
                condition=Q(status__in=["pending_approval", "approved", "succeeded"], reference_counts=True)
                & ~Q(reference_key=""),
            ),
            models.UniqueConstraint(name="payment_of_account", fields=["account", "id"]),
            models.CheckConstraint(
                name="payment_on_account_is_of_a_line",
                condition=Q(invoice__isnull=False) | Q(bank_line__isnull=False),
            ),
            Frozen(name="payment_bank_line_frozen", columns=["bank_line_id"]),
            models.CheckConstraint(
                name="payment_by_link_has_invoice",
                condition=Q(claimed_by_link__isnull=True) | Q(invoice__isnull=False),
            ),
            Frozen(name="payment_link_frozen", columns=["claimed_by_link_id"]),
            LinkMakerApart(name="payment_link_maker_apart"),
            models.CheckConstraint(
                name="payment_returned_is_a_part",
                condition=Q(returned=0)
                | Q(returned__gt=0, returned__lt=F("received"), status__in=["succeeded", "reversed"]),
            ),
            Frozen(name="payment_returned_only_grows", columns=["returned"], when="NEW.returned < OLD.returned"),
            OutsiderDecides(
                name="payment_decided_by_outsider",
                machine="payment",
                verbs=["approve", "reject"],
                targets=["approved", "failed"],
                column="decided_by_id",
            ),
            OutsiderDecides(
                name="payment_reversed_by_outsider",
                machine="payment",
                verbs=["reverse"],
                targets=["reversed"],
                column="reversed_by_id",
            ),
            OutsiderDecides(
                name="payment_part_reversed_by_outsider",
                machine="payment",
                verbs=["reverse_part"],
                changed="returned",
            ),
            Frozen(
                name="payment_claim_frozen",
                columns=["account_id", "invoice_id", "currency", "submitted_by_id"],
                once=["decided_by_id", "received", "reversed_by_id"],
            ),
            # Without what the customer typed, which is erased with the person.
            Frozen(
                name="payment_decision_frozen",
                columns=["amount", "reference", "decided_by_id", "received"],
                when="OLD.status <> 'pending_approval'",
            ),
        ]
        # A change of status writes each index again: none without a reader.
        indexes = [
            models.Index(name="payment_in_review", fields=["id"], condition=Q(status="pending_approval")),
            models.Index(  # the first claim of each account before the second of any
                name="payment_on_the_desk", fields=["waiting_before", "id"], condition=Q(status="pending_approval")
            ),
            models.Index(name="payment_succeeded_lately", fields=["currency", "id"], condition=Q(status="succeeded")),
            models.Index(name="payment_by_reference", fields=["reference_key"], condition=~Q(reference_key="")),
        ]
        permissions = [
            ("review_payment", "See the queue of claimed payments"),
            ("approve_payment", "Approve and reject payments"),
            ("reverse_payment", "Reverse a succeeded payment"),
        ]

    def __str__(self) -> str:
        return f"{money_text(self.amount, self.currency)} {self.currency} {self.what_for}"

    @property
    def what_for(self) -> str:
        """As staff read it."""
        return f"for {self.invoice}" if self.invoice else "on account"

    @property
    def kept(self) -> Decimal:
        """Of what was received, or is claimed, without the parts that were taken back."""
        return (self.amount if self.received is None else self.received) - self.returned

    @property
    def planned_allocations(self) -> list[PlannedAllocation]:
        return [PlannedAllocation.parse(line) for line in self.allocation_plan]

    @property
    def has_unusual_reference(self) -> bool:
        return not self.method.expects(self.reference)

    @property
    def is_by_link(self) -> bool:
        return self.claimed_by_link_id is not None

    def is_submitted_by(self, user: User) -> bool:
        """Or was claimed by a link that they made."""
        return user.pk == self.submitted_by_id or (
            self.claimed_by_link is not None and self.claimed_by_link.is_made_by(user)
        )

    def may_be_decided_by(self, user: User) -> bool:
        """Never by the submitter, or by who belongs or belonged to the account."""
        return user.may_decide_on(self.account_id, "core.approve_payment") and not self.is_submitted_by(user)

    def may_be_reversed_by(self, user: User) -> bool:
        return user.may_decide_on(self.account_id, "core.reverse_payment") and not self.is_submitted_by(user)

    def may_be_withdrawn_by(self, user: User) -> bool:
        return user.role_in(self.account_id) in Membership.MAY_PAY

    @transition(field=status, source=Status.PENDING_APPROVAL, target=Status.APPROVED, permission=may_be_decided_by)
    def approve(
        self,
        *,
        by: User,
        received: Decimal | None = None,
        admin_notes: str = "",
        value_date: date | None = None,
        allocations: list[dict[str, str]] | None = None,
    ) -> None:
        """The money has arrived: `received`, if not as claimed. allocations: see `PlannedAllocation.as_kept`.

        Raises ValidationError for an impossible day, amount or split.
        """
        check_day(value_date, field="value_date")
        received = Decimal(self.amount if received is None else received)
        check_amount(received, self.currency, field="received")
        self._check_split(received, [PlannedAllocation.parse(line) for line in allocations or []])
        self.received = received
        self.decided_by, self.admin_notes, self.value_date = by, admin_notes, value_date
        self.allocation_plan = allocations or []

    @transition(field=status, source=Status.PENDING_APPROVAL, target=Status.FAILED, permission=may_be_decided_by)
    def reject(self, *, by: User, reason_code: str, admin_notes: str = "") -> None:
        """The customer is told the reason. A retry is a new payment. Raises ValidationError for an unknown reason."""
        if reason_code not in self.Reason.values:
            raise ValidationError({"reason_code": ["There is no such reason."]})
        self.decided_by, self.reason_code, self.admin_notes = by, reason_code, admin_notes

    @transition(field=status, source=Status.PENDING_APPROVAL, target=Status.CANCELLED, permission=may_be_withdrawn_by)
    def withdraw(self, *, by: User) -> None:
        """Taken back before a decision."""

    @transition(field=status, source=Status.SUCCEEDED, target=Status.REVERSED, permission=may_be_reversed_by)
    def reverse(self, *, by: User, reason_given: str) -> None:
        """The money bounced, was recalled, or was approved by mistake. Raises ValidationError without a reason."""
        self.reversal_reason = check_reason(reason_given, longest=LONGEST_REASON, field="reason_given")
        self.reversed_by = by

    @transition(field=status, source=Status.SUCCEEDED, target=Status.SUCCEEDED, permission=may_be_reversed_by)
    def reverse_part(self, *, by: User, amount: Decimal, reason_given: str) -> None:
        """A part bounced. Raises ValidationError without a reason, or for all that is left: that is `reverse`."""
        check_reason(reason_given, longest=LONGEST_REASON, field="reason_given")
        check_amount(amount, self.currency, field="amount")
        if amount >= self.kept:
            left = f"{money_text(self.kept, self.currency)} {self.currency}"
            raise ValidationError({"amount": [f"{left} are left: a part is less than that."]})
        self.returned += amount

    @transition(field=status, source=Status.APPROVED, target=Status.SUCCEEDED)
    def settle(self) -> None:
        """The money is allocated, and what it pays for is active."""

    def _check_split(self, received: Decimal, parts: list[PlannedAllocation]) -> None:
        for part in parts:
            check_amount(part.amount, self.currency, field="allocations")
        if len({part.invoice_id for part in parts}) < len(parts):
            raise ValidationError({"allocations": ["Name each invoice once."]})
        if sum((part.amount for part in parts), Decimal(0)) > received:
            raise ValidationError({"allocations": ["The parts are more than what was received."]})


class AllocationQuerySet(models.QuerySet["Allocation"]):
    def standing(self) -> AllocationQuerySet:
        """Neither reversals, nor reversed."""
        return self.filter(reverses__isnull=True, reversed_by__isnull=True)

    def standing_or_cut(self) -> AllocationQuerySet:
        """See `Allocation.stands_or_was_cut`."""
        return self.filter(Q(reverses__isnull=True) | Q(effect_id__isnull=False))


class Allocation(BaseModel):
    """A part of a payment that pays an invoice; a negative one reverses `reverses`. Append-only."""

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="+")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="allocations")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="allocations")
    amount = MoneyField()
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    effect_id = models.UUIDField(null=True)  # null: older than this column
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AllocationQuerySet.as_manager()

    class Meta:
        constraints = [
            AppendOnly(name="allocation_append_only"),
            models.UniqueConstraint(
                name="allocation_once_by_effect",
                fields=["payment", "invoice", "effect_id"],
                condition=Q(reverses__isnull=True),
            ),
            models.CheckConstraint(
                name="allocation_amount_in_range",
                condition=(Q(reverses__isnull=True) & positive_amount("amount"))
                | Q(reverses__isnull=False, amount__lt=0, amount__gt=-(10**12)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.payment_id} to {self.invoice_id}"

    @property
    def stands_or_was_cut(self) -> bool:
        """Their sum is what was paid without the parts that were taken back or credited since; the reversing line of a
        whole has no effect.
        """
        return self.reverses_id is None or self.effect_id is not None


class BalanceEntry(BaseModel):
    """Money that no invoice needed. Append-only; the sum per currency is the balance."""

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="balance_entries")
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="balance_entries")
    refund = models.ForeignKey(  # that took it, or gave it back
        "core.Refund", models.PROTECT, null=True, db_index=False, related_name="balance_entries"
    )
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    key = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "balance entries"
        constraints = [
            AppendOnly(name="balance_entry_append_only"),
            models.UniqueConstraint(name="balance_entry_once", fields=["account", "key"]),
            models.CheckConstraint(
                name="balance_entry_in_range",
                condition=~Q(amount=0) & Q(amount__gt=-(10**12), amount__lt=10**12),
            ),
        ]
        indexes = [
            models.Index(name="balance_entry_of_refund", fields=["refund"], condition=Q(refund__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def normal_reference(text: str) -> str:
    """The reference for comparison, see `search_key`; a key longer than its column ends in a digest of the whole."""
    key = search_key(text)
    if len(key) <= KEY_LENGTH:
        return key
    # Folding may lengthen a text.
    return f"{key[: KEY_LENGTH - 32]}{sha256(key.encode()).hexdigest()[:32].upper()}"
