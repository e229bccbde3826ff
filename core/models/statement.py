from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django_fsm import transition

from core.models.bank_account import BankAccount
from core.models.base import BaseModel, MoneyField, StatefulModel, not_negative_amount
from core.money import money_text
from engine.stateful import StatusField
from engine.triggers import AppendOnly, Frozen

FILE_MAX_BYTES = 20 * 1024 * 1024


def in_range(*fields: str) -> Q:
    """A signed amount within the ceiling, which also keeps NaN out."""
    return Q(**{f"{field}__gt": -(10**12) for field in fields}) & Q(**{f"{field}__lt": 10**12 for field in fields})


class StatementFile(StatefulModel):
    """A file from a bank, as uploaded. queued -> imported, or refused: then only its digest and the error stay."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        IMPORTED = "imported"
        REFUSED = "refused"

    status = StatusField(choices=Status, default=Status.QUEUED)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)  # as its sender called it; shown, never trusted
    size = models.PositiveIntegerField()
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, null=True, related_name="+")  # null: as the file says
    profile = models.JSONField(null=True)  # of a CSV file
    format = models.CharField(max_length=20, blank=True)
    reader_version = models.CharField(max_length=20, blank=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+")
    error = models.JSONField(null=True)  # detail, row, column
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="statement_file_once", fields=["sha256"], condition=~Q(status="refused")),
            models.CheckConstraint(
                name="statement_file_refused_says_why",
                condition=Q(status="refused", error__isnull=False) | ~Q(status="refused") & Q(error__isnull=True),
            ),
            Frozen(name="statement_file_frozen", columns=["sha256", "size", "bank_account_id", "uploaded_by_id"]),
        ]
        permissions = [("import_statements", "Import bank statements")]

    def __str__(self) -> str:
        return self.name or self.sha256[:12]

    @transition(field=status, source=Status.QUEUED, target=Status.IMPORTED)
    def complete(self, *, read_as: str, reader_version: str) -> None:
        self.format, self.reader_version = read_as, reader_version

    @transition(field=status, source=Status.QUEUED, target=Status.REFUSED)
    def refuse(self, *, detail: str, row: int | None = None, column: str = "") -> None:
        """Nothing of it is stored. row, column: where its reader stopped."""
        self.error = {"detail": detail, "row": row, "column": column}


class StatementContent(models.Model):
    """The bytes of a file that was not refused."""

    file = models.OneToOneField(StatementFile, models.CASCADE, primary_key=True, related_name="content")
    content = models.BinaryField()

    def __str__(self) -> str:
        return str(self.file_id)


class StatementDraft(BaseModel):
    """A table whose columns its sender still has to name. Deleted when it is imported, and after a day."""

    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255, blank=True)  # as its sender called it
    content = models.BinaryField()
    bank_account = models.ForeignKey(BankAccount, models.CASCADE, null=True, related_name="+")  # as first chosen
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(name="statement_draft_once", fields=["uploaded_by", "sha256"])]

    def __str__(self) -> str:
        return self.name or self.sha256[:12]


class Statement(BaseModel):
    """One statement of one account, a part of a file. Append-only.

    `adds_up`: opening + lines = closing, and what the file itself counts; null where it gives nothing to compare.
    """

    file = models.ForeignKey(StatementFile, models.PROTECT, related_name="parts")
    position = models.PositiveSmallIntegerField()
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="statements")
    currency = models.CharField(max_length=3)
    number = models.CharField(max_length=40, blank=True)
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    opening = MoneyField(null=True)
    closing = MoneyField(null=True)
    adds_up = models.BooleanField(null=True)
    first_break = models.JSONField(null=True)  # row, detail
    lines_total = models.PositiveIntegerField(default=0)  # booked ones
    lines_new = models.PositiveIntegerField(default=0)
    lines_pending = models.PositiveIntegerField(default=0)
    credits = MoneyField(default=Decimal(0))
    debits = MoneyField(default=Decimal(0))  # positive
    notes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            AppendOnly(name="statement_append_only"),
            models.UniqueConstraint(name="statement_position", fields=["file", "position"]),
            models.CheckConstraint(
                name="statement_amounts_in_range",
                condition=not_negative_amount("credits", "debits")
                & (Q(opening__isnull=True) | in_range("opening"))
                & (Q(closing__isnull=True) | in_range("closing")),
            ),
        ]
        indexes = [models.Index(name="statement_of_account", fields=["bank_account", "period_end"])]

    def __str__(self) -> str:
        return f"{self.bank_account} {self.number or self.period_end}"

    @property
    def lines_known(self) -> int:
        """Those that an earlier file brought."""
        return self.lines_total - self.lines_new


class PendingLine(BaseModel):
    """What a bank announces and has not booked: shown, never matched. It goes when it is booked."""

    bank_account = models.ForeignKey(BankAccount, models.CASCADE, related_name="pending_lines")
    statement = models.ForeignKey(Statement, models.PROTECT, related_name="+")
    booked_on = models.DateField()
    amount = MoneyField()
    currency = models.CharField(max_length=3)
    payer_name = models.CharField(max_length=200, blank=True)
    text = models.TextField(blank=True)
    bank_id = models.CharField(max_length=100, blank=True, db_default="", default="")

    class Meta:
        constraints = [models.CheckConstraint(name="pending_line_in_range", condition=in_range("amount"))]

    def __str__(self) -> str:
        return f"{self.booked_on} {money_text(self.amount, self.currency)} {self.currency}"
