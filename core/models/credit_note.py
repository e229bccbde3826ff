from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django_fsm import transition

from core.models.account import Account
from core.models.base import BaseModel, MoneyField, StatefulModel, fits_currency, not_negative_amount, positive_amount
from core.models.guards import CreditsWithinInvoice, OutsiderDecides
from core.models.invoice import Invoice
from core.models.invoice_line import LONGEST_DESCRIPTION, InvoiceLine
from core.models.user import User
from core.money import CEILING, money_text
from core.validation.text import check_reason
from engine.stateful import StatusField
from engine.triggers import AppendOnly, Frozen

LONGEST_REASON = 200  # characters


class CreditNoteQuerySet(models.QuerySet["CreditNote"]):
    def standing(self) -> CreditNoteQuerySet:
        """Those that took something off their invoice."""
        return self.filter(status__in=CreditNote.STANDING)

    def drafts(self) -> CreditNoteQuerySet:
        """Which somebody has to decide on, the oldest first."""
        return self.filter(status=CreditNote.Status.DRAFT).order_by("pk")


class CreditNote(StatefulModel):
    """A part of an issued invoice that is not demanded any more; amounts are positive.

    draft -> issued -> applied, the last two in one commit. What was paid of it goes to the balance; then the one who
    issues it is not the one who wrote it.
    """

    class Status(models.TextChoices):
        DRAFT = "draft"
        ISSUED = "issued"
        APPLIED = "applied"
        CANCELLED = "cancelled"

    STANDING = (Status.ISSUED, Status.APPLIED)

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="credit_notes")
    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="credit_notes")
    status = StatusField(choices=Status, default=Status.DRAFT)
    currency = models.CharField(max_length=3)
    net = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    tax_details = models.JSONField(default=dict)  # {"taxes": [...]} as those of the invoice
    reason = models.CharField(max_length=LONGEST_REASON)  # for the customer
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, db_index=False, related_name="+")
    issued_on = models.DateField(null=True)  # the customer's day
    to_balance = MoneyField(null=True)  # how much of it was paid already; null until it is applied
    ended_because = models.CharField(max_length=LONGEST_REASON, blank=True)  # why it was cancelled
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CreditNoteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="credit_note_amounts_in_range",
                condition=positive_amount("total") & not_negative_amount("net", "tax") & Q(total=F("net") + F("tax")),
            ),
            models.CheckConstraint(name="credit_note_total_fits_currency", condition=fits_currency("total")),
            models.CheckConstraint(name="credit_note_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="credit_note_issued_is_complete",
                condition=Q(status__in=["draft", "cancelled"], issued_by=None, issued_on=None, to_balance=None)
                | Q(status="issued", issued_by__isnull=False, issued_on__isnull=False, to_balance=None)
                | Q(
                    status="applied",
                    issued_by__isnull=False,
                    issued_on__isnull=False,
                    to_balance__gte=0,
                    to_balance__lte=F("total"),
                ),
            ),
            models.CheckConstraint(
                name="credit_note_of_paid_money_by_two", condition=Q(to_balance=0) | ~Q(issued_by=F("requested_by"))
                | Q(to_balance=None)
            ),
            models.CheckConstraint(
                name="credit_note_end_says_why", condition=~Q(status="cancelled") | ~Q(ended_because="")
            ),
            models.UniqueConstraint(
                name="credit_note_one_draft_of_invoice", fields=["invoice"], condition=Q(status="draft")
            ),
            OutsiderDecides(
                name="credit_note_issued_by_outsider",
                machine="creditnote",
                verbs=["issue"],
                targets=["issued"],
                column="issued_by_id",
            ),
            CreditsWithinInvoice(name="credit_note_within_invoice"),
            Frozen(
                name="credit_note_frozen",
                columns=[
                    "account_id", "invoice_id", "currency", "net", "tax", "total", "tax_details", "reason",
                    "requested_by_id",
                ],
                once=["issued_by_id", "issued_on", "to_balance"],
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(name="credit_note_of_account", fields=["account", "id"]),
            models.Index(name="credit_note_drafts", fields=["id"], condition=Q(status="draft")),
        ]
        permissions = [
            ("write_credit_note", "Write credit notes"),
            ("issue_credit_note", "Issue credit notes; of money that was paid only those that another person wrote"),
        ]

    def __str__(self) -> str:
        return f"{money_text(self.total, self.currency)} {self.currency} off {self.invoice}"

    def may_be_issued_by(self, user: User) -> bool:
        return user.may_decide_on(self.account_id, "core.issue_credit_note")

    def may_be_dropped_by(self, user: User) -> bool:
        return self.invoice.may_be_credited_by(user)

    @transition(field=status, source=Status.DRAFT, target=Status.ISSUED, permission=may_be_issued_by)
    def issue(self, *, by: User, issued_on: date) -> None:
        """By somebody who does not belong to the account, and never did."""
        self.issued_by, self.issued_on = by, issued_on

    @transition(field=status, source=Status.ISSUED, target=Status.APPLIED)
    def apply(self, *, to_balance: Decimal) -> None:
        """It is off its invoice; to_balance: what was paid of it."""
        self.to_balance = to_balance

    @transition(field=status, source=Status.DRAFT, target=Status.CANCELLED, permission=may_be_dropped_by)
    def cancel(self, *, by: User, because: str) -> None:
        """Raises ValidationError without a reason."""
        self.ended_because = check_reason(because, longest=LONGEST_REASON, field="ended_because")

    @transition(field=status, source=Status.DRAFT, target=Status.CANCELLED)
    def lapse(self) -> None:
        """Its invoice is demanded no more."""
        self.ended_because = "The invoice is over"


class CreditNoteLine(BaseModel):
    """What is taken off one line of the invoice: negative where that line is."""

    credit_note = models.ForeignKey(CreditNote, models.PROTECT, db_index=False, related_name="lines")
    # Null: of an invoice from before there were lines.
    invoice_line = models.ForeignKey(InvoiceLine, models.PROTECT, null=True, related_name="+")
    position = models.PositiveSmallIntegerField()
    description = models.CharField(max_length=LONGEST_DESCRIPTION)
    net = MoneyField()
    amount = MoneyField()  # with tax
    tax_category = models.CharField(max_length=2, choices=InvoiceLine.Category)
    tax_rate = models.DecimalField(max_digits=6, decimal_places=3)  # percent

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(name="credit_note_line_position", fields=["credit_note", "position"]),
            models.CheckConstraint(
                name="credit_note_line_in_range",
                condition=Q(net__gt=-CEILING, net__lt=CEILING, amount__gt=-CEILING, amount__lt=CEILING),
            ),
            AppendOnly(name="credit_note_line_append_only"),
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def currency(self) -> str:
        return self.credit_note.currency
