from __future__ import annotations

from datetime import date
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django_fsm import transition

from core.models.account import Account
from core.models.bank_account import BankAccount
from core.models.base import MoneyField, StatefulModel, fits_currency, is_code, positive_amount
from core.models.guards import OutsiderDecides, RefundsWithinLine
from core.models.statement_line import StatementLine
from core.models.user import User
from core.money import money_text
from core.payees.references import FORM, LENGTH, new_reference
from core.validation.payment_days import check_day
from core.validation.text import check_reason
from engine.stateful import StatusField
from engine.triggers import Frozen

PAYEE = ("payee_name", "payee_account", "payee_bank")
LONGEST_REASON = 200  # characters


class RefundQuerySet(models.QuerySet["Refund"]):
    def to_pay(self) -> RefundQuerySet:
        """For the next payout file, the oldest first."""
        return self.filter(status=Refund.Status.APPROVED).order_by("pk")

    def awaiting_line(self) -> RefundQuerySet:
        """Which a bank line may show: also what nobody has said to be sent."""
        return self.filter(status__in=[Refund.Status.APPROVED, Refund.Status.SENT])


class Refund(StatefulModel):
    """Money of a customer's balance that goes back to them; it leaves the balance when the refund is requested.

    requested -> approved (by another person) -> sent -> settled (a bank line shows it). Cancelled before it is sent,
    or failed: then the money is in the balance again.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        APPROVED = "approved"
        SENT = "sent"
        SETTLED = "settled"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Reason(models.TextChoices):
        OVERPAID = "overpaid"
        ACCOUNT_CLOSED = "account_closed"
        WRONG_CURRENCY = "wrong_currency"
        OTHER = "other"

    NOT_SENT = (Status.REQUESTED, Status.APPROVED)
    UNDER_WAY = (Status.REQUESTED, Status.APPROVED, Status.SENT)
    PAID = (Status.SENT, Status.SETTLED)

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="refunds")
    status = StatusField(choices=Status, default=Status.REQUESTED)
    currency = models.CharField(max_length=3)
    amount = MoneyField()
    reason = models.CharField(max_length=20, choices=Reason)
    note = models.CharField(max_length=500, blank=True)  # for staff
    # Null: paid by hand, from a wallet or in cash.
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, null=True, db_index=False, related_name="+")
    # Erased with the person: null.
    payee_name = models.CharField(max_length=70, null=True)  # noqa: DJ001
    payee_account = models.CharField(max_length=34, null=True)  # noqa: DJ001 - IBAN without blanks, or as the payee gave it
    payee_bank = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001 - BIC or national code
    reference = models.CharField(max_length=LENGTH, default=new_reference, editable=False)  # what the bank sends along
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+"
    )
    sent_on = models.DateField(null=True)
    ended_because = models.CharField(max_length=LONGEST_REASON, blank=True)  # why it failed or was cancelled
    line = models.ForeignKey(StatementLine, models.PROTECT, null=True, related_name="refunds")  # that shows it
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="refund_amount_in_range", condition=positive_amount("amount")),
            models.CheckConstraint(name="refund_amount_fits_currency", condition=fits_currency("amount")),
            models.CheckConstraint(name="refund_currency", condition=is_code("currency", 3)),
            models.CheckConstraint(name="refund_reference", condition=Q(reference__regex=FORM)),
            models.UniqueConstraint(name="refund_by_reference", fields=["reference"]),
            models.CheckConstraint(name="refund_approved_by_another", condition=~Q(approved_by=F("requested_by"))),
            models.CheckConstraint(
                name="refund_approved_is_complete",
                condition=~Q(status__in=["approved", "sent", "settled"]) | Q(approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="refund_under_way_has_payee",
                condition=~Q(status__in=["requested", "approved", "sent"])
                | Q(payee_name__isnull=False, payee_account__isnull=False) & ~Q(payee_name=""),
            ),
            models.CheckConstraint(
                name="refund_sent_has_day",
                condition=~Q(status__in=["sent", "settled"]) | Q(sent_on__isnull=False),
            ),
            models.CheckConstraint(name="refund_line_is_settled", condition=Q(line=None) | Q(status="settled")),
            models.CheckConstraint(
                name="refund_end_says_why",
                condition=~Q(status__in=["failed", "cancelled"]) | ~Q(ended_because=""),
            ),
            OutsiderDecides(
                name="refund_approved_by_outsider",
                machine="refund",
                verbs=["approve"],
                targets=["approved"],
                column="approved_by_id",
            ),
            RefundsWithinLine(name="refund_within_line"),
            Frozen(
                name="refund_frozen",
                columns=["account_id", "amount", "bank_account_id", "currency", "reference", "requested_by_id"],
                once=["approved_by_id", "sent_on"],
                blankable=list(PAYEE),
            ),
        ]
        indexes = [
            models.Index(name="refund_of_account", fields=["account", "id"]),
            models.Index(
                name="refund_under_way", fields=["id"], condition=Q(status__in=["requested", "approved", "sent"])
            ),
        ]
        permissions = [
            ("request_refund", "Request refunds, and say that they are sent or failed"),
            ("approve_refund", "Approve refunds that another person requested"),
        ]

    def __str__(self) -> str:
        return f"{money_text(self.amount, self.currency)} {self.currency} to {self.payee_name or 'somebody erased'}"

    def may_be_approved_by(self, user: User) -> bool:
        return user.may_decide_on(self.account_id, "core.approve_refund") and user.pk != self.requested_by_id

    def may_be_handled_by(self, user: User) -> bool:
        return any(user.may_decide_on(self.account_id, f"core.{duty}") for duty in ("request_refund", "approve_refund"))

    @transition(field=status, source=Status.REQUESTED, target=Status.APPROVED, permission=may_be_approved_by)
    def approve(self, *, by: User) -> None:
        """Never by who requested it, or by who belongs or belonged to the account."""
        self.approved_by = by

    @transition(field=status, source=Status.APPROVED, target=Status.SENT, permission=may_be_handled_by)
    def mark_sent(self, *, by: User, sent_on: date) -> None:
        """The bank has the order. Raises ValidationError for a day to come."""
        check_day(sent_on, field="sent_on")
        self.sent_on = sent_on

    @transition(field=status, source=Status.SENT, target=Status.SETTLED, permission=may_be_handled_by)
    def settle(self, *, by: User, line: str = "") -> None:
        """The money has left; `line`: key of the bank line that shows it."""
        self.line_id = UUID(line) if line else None

    @transition(field=status, source=Status.SETTLED, target=Status.SENT, permission=may_be_handled_by)
    def unsettle(self, *, by: User) -> None:
        """Its line was another's."""
        self.line = None

    @transition(field=status, source=PAID, target=Status.FAILED, permission=may_be_handled_by)
    def fail(self, *, by: User, because: str) -> None:
        """The bank did not pay it, or it came back. Raises ValidationError without a reason."""
        self._end(because)

    @transition(field=status, source=NOT_SENT, target=Status.CANCELLED, permission=may_be_handled_by)
    def cancel(self, *, by: User, because: str) -> None:
        """Raises ValidationError without a reason."""
        self._end(because)

    @transition(field=status, source=NOT_SENT, target=Status.CANCELLED)
    def lapse(self) -> None:
        """The payment whose money it is was reversed."""
        self._end("The payment was reversed")

    def _end(self, because: str) -> None:
        self.ended_because = check_reason(because, longest=LONGEST_REASON, field="ended_because")
        self.line = None
