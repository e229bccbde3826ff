from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django_fsm import transition

from core.models.account import Account
from core.models.bank_account import BankAccount
from core.models.base import BaseModel, MoneyField, StatefulModel, positive_amount
from core.models.guards import PartsWithinLine
from core.models.payment import Payment
from core.models.statement import Statement, in_range
from core.models.user import User
from core.money import money_text
from core.validation.text import check_reason
from engine.stateful import StatusField
from engine.triggers import AppendOnly, Frozen

LONGEST_REASON = 200  # characters


class StatementLineQuerySet(models.QuerySet["StatementLine"]):
    def mentioning(self, words: str) -> StatementLineQuerySet:
        """By text, payer, account number or an id."""
        return self.filter(
            Q(text__icontains=words)
            | Q(payer_name__icontains=words)
            | Q(payer_account__iexact="".join(words.split()))
            | Q(references__contains=[words])
            | Q(bank_id=words)
        )


class StatementLine(StatefulModel):
    """A booked line of a bank statement. Its facts never change.

    open or suggested (somebody could decide on it) -> matched (payments stand for it), ignored, or returned (it took
    money back). Two equal lines of a day are two: `occurrence` counts them.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        SUGGESTED = "suggested"
        MATCHED = "matched"
        IGNORED = "ignored"
        RETURNED = "returned"

    UNDECIDED = (Status.OPEN, Status.SUGGESTED)
    INITIAL_STATES = (Status.OPEN, Status.SUGGESTED)

    # The first that had it.
    statement = models.ForeignKey(Statement, models.PROTECT, db_index=False, related_name="lines")
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, db_index=False, related_name="+")
    status = StatusField(choices=Status, default=Status.OPEN)
    row = models.PositiveIntegerField()  # in its file, from 1
    booked_on = models.DateField()
    value_on = models.DateField(null=True)
    amount = MoneyField()  # signed: money in is positive
    currency = models.CharField(max_length=3)
    text = models.TextField(blank=True)  # all that the bank wrote
    payer_name = models.CharField(max_length=200, blank=True)  # the other side
    payer_account = models.CharField(max_length=40, blank=True)
    references = ArrayField(models.CharField(max_length=200), default=list)
    bank_id = models.CharField(max_length=100, blank=True)
    is_return = models.BooleanField(default=False)  # money that comes back, by a mark of the bank
    return_reason = models.CharField(max_length=100, blank=True)
    charges = MoneyField(null=True)  # kept by banks on the way
    instructed = models.JSONField(null=True)  # amount, currency: what was sent, where that differs
    details = models.JSONField(default=list)  # the transactions of a batch
    notes = models.JSONField(default=list)
    content_key = models.BinaryField(max_length=16)  # digest of text, payer and references, to know it again
    occurrence = models.PositiveIntegerField()  # among equal lines of its day, from 1
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    rule = models.CharField(max_length=60, blank=True)  # of a decision without a person
    ignored_because = models.CharField(max_length=LONGEST_REASON, blank=True)

    objects = StatementLineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="statement_line_once",
                fields=["bank_account", "booked_on", "amount", "currency", "content_key", "occurrence"],
            ),
            models.CheckConstraint(name="statement_line_amount_in_range", condition=in_range("amount")),
            models.CheckConstraint(
                name="statement_line_ignored_says_why", condition=~Q(status="ignored") | ~Q(ignored_because="")
            ),
            Frozen(
                name="statement_line_frozen",
                columns=[
                    "statement_id",
                    "bank_account_id",
                    "row",
                    "booked_on",
                    "value_on",
                    "amount",
                    "currency",
                    "content_key",
                    "occurrence",
                ],
            ),
        ]
        indexes = [
            models.Index(
                name="statement_line_undecided",
                fields=["bank_account", "booked_on", "id"],
                condition=Q(status__in=["open", "suggested"]),
            ),
            # The desk lists the newest first, also right after an import, when nothing is known of the table.
            models.Index(
                name="statement_line_on_the_desk",
                fields=["-id"],
                condition=Q(status__in=["open", "suggested"]),
            ),
            models.Index(name="statement_line_of_statement", fields=["statement", "row"]),
        ]
        permissions = [("match_lines", "Match lines of bank statements with payments")]

    def __str__(self) -> str:
        return f"{self.booked_on} {money_text(self.amount, self.currency)} {self.currency}"

    def may_be_matched_by(self, user: User) -> bool:
        return user.is_granted("core.match_lines")

    @transition(field=status, source=UNDECIDED, target=Status.MATCHED, permission=may_be_matched_by)
    def match(self, *, by: User, rule: str = "") -> None:
        """Payments of it stand in LinePayment."""
        self.decided_by, self.rule = by, rule

    @transition(field=status, source=Status.MATCHED, target=Status.OPEN, permission=may_be_matched_by)
    def unmatch(self, *, by: User) -> None:
        """Take a match back, while none of its payments is settled."""
        self.decided_by, self.rule = None, ""

    @transition(field=status, source=UNDECIDED, target=Status.IGNORED, permission=may_be_matched_by)
    def ignore(self, *, by: User, because: str) -> None:
        """It is no customer's money. Raises ValidationError without a reason."""
        self.ignored_because = check_reason(because, longest=LONGEST_REASON)
        self.decided_by = by

    @transition(field=status, source=Status.IGNORED, target=Status.OPEN, permission=may_be_matched_by)
    def reopen(self, *, by: User) -> None:
        self.decided_by, self.ignored_because = None, ""

    @transition(field=status, source=UNDECIDED, target=Status.RETURNED, permission=may_be_matched_by)
    def mark_returned(self, *, by: User, rule: str = "") -> None:
        """It took the money of a payment back, which is reversed."""
        self.decided_by, self.rule = by, rule


class LinePaymentQuerySet(models.QuerySet["LinePayment"]):
    def live(self) -> LinePaymentQuerySet:
        """Those that were not taken back."""
        return self.filter(takes_back__isnull=True, taken_back_by__isnull=True)


class LinePayment(BaseModel):
    """A part of a line that stands for a payment; a negative one takes `takes_back` back. Append-only.

    A trigger keeps the sum of a line's parts between zero and what the line is about.
    """

    line = models.ForeignKey(StatementLine, models.PROTECT, related_name="payments")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="line_payments")
    amount = MoneyField()
    is_decision = models.BooleanField(default=False)  # this match approved or reversed the payment
    takes_back = models.OneToOneField("self", models.PROTECT, null=True, related_name="taken_back_by")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    rule = models.CharField(max_length=60, blank=True)
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LinePaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            AppendOnly(name="line_payment_append_only"),
            PartsWithinLine(name="line_payment_within_line"),
            models.CheckConstraint(
                name="line_payment_amount_in_range",
                condition=(Q(takes_back__isnull=True) & positive_amount("amount"))
                | Q(takes_back__isnull=False, amount__lt=0, amount__gt=-(10**12)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of {self.line_id} for {self.payment_id}"


class PayerIdentity(BaseModel):
    """Who has paid for an account before, confirmed by a person: an IBAN, another account number, or a name."""

    class Kind(models.TextChoices):
        ACCOUNT = "account"  # IBAN or number, without blanks
        NAME = "name"  # folded as `search_text`

    account = models.ForeignKey(Account, models.PROTECT, related_name="payer_identities")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=200)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "payer identities"
        constraints = [
            models.UniqueConstraint(name="payer_identity_once", fields=["kind", "value", "account"]),
            models.CheckConstraint(name="payer_identity_says_something", condition=~Q(value="")),
        ]

    def __str__(self) -> str:
        return self.value
