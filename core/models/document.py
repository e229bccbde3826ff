from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q
from django_fsm import transition

from core.models.account import ERASED, Account, Membership
from core.models.base import StatefulModel
from core.models.seller import Seller, SellerVersion
from core.models.user import User
from engine.stateful import StatusField
from engine.triggers import AppendOnly, Frozen

SHA256 = "^[0-9a-f]{64}$"
LONGEST_KEY = 120
SELLER, TAX_RULE = "seller", "tax_rule"  # what may be missing


class DocumentQuerySet(models.QuerySet["Document"]):
    def visible_to(self, user: User) -> DocumentQuerySet:
        """What names somebody who was erased is for auditors alone."""
        if user.may_audit_documents():
            return self
        if user.can_read_all_accounts():
            return self.exclude(**{f"account__{name}": value for name, value in ERASED.items()})
        return self.filter(account=Membership.objects.filter(user=user).values("account")[:1])

    def made(self) -> DocumentQuerySet:
        return self.filter(status=Document.Status.MADE)

    def without_words(self) -> DocumentQuerySet:
        """For lists: all that is printed is most of a row."""
        return self.defer("data")


class Document(StatefulModel):
    """A paper for a customer: its number and all its words are fixed first, then its bytes, once.

    waiting (something is missing) -> prepared -> made.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        PREPARED = "prepared"
        MADE = "made"

    class Kind(models.TextChoices):
        INVOICE = "invoice"
        PROFORMA = "proforma"
        RECEIPT = "receipt"
        CREDIT_NOTE = "credit_note"
        STATEMENT = "statement"
        REMINDER = "reminder"
        CANCELLATION = "cancellation"

    class Format(models.TextChoices):
        PDF = "pdf"

    INITIAL_STATES = (Status.WAITING, Status.PREPARED)

    account = models.ForeignKey(Account, models.PROTECT, db_index=False, related_name="documents")
    status = StatusField(choices=Status, default=Status.PREPARED)
    kind = models.CharField(max_length=12, choices=Kind)
    # Of what it tells: `receipt:<payment>`. One document for each, whatever is run twice.
    key = models.CharField(max_length=LONGEST_KEY)
    subject_id = models.UUIDField()  # the invoice, payment, credit note or account
    number = models.CharField(max_length=30, null=True)  # noqa: DJ001 - null: this kind has no series
    series = models.CharField(max_length=20, null=True)  # noqa: DJ001
    series_count = models.PositiveBigIntegerField(null=True)
    seller = models.ForeignKey(SellerVersion, models.PROTECT, null=True, db_index=False, related_name="+")
    language = models.CharField(max_length=10)
    format = models.CharField(max_length=3, choices=Format, default=Format.PDF)
    data = models.JSONField(default=dict)  # DocumentData: all that is printed
    missing = models.JSONField(default=list)  # why it waits: "seller", "letters: ..."
    template_version = models.PositiveSmallIntegerField(null=True)
    sha256 = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: not made yet
    # The chain of its seller: its place and the digest of the document before it.
    place = models.PositiveBigIntegerField(null=True)
    previous_sha256 = models.CharField(max_length=64, null=True)  # noqa: DJ001 - empty: the first
    size = models.PositiveIntegerField(null=True)  # bytes
    made_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="document_once", fields=["key"]),
            models.UniqueConstraint(name="document_number", fields=["number"], condition=~Q(kind="invoice")),
            models.UniqueConstraint(name="document_place", fields=["place"]),
            models.CheckConstraint(
                name="document_series_is_whole",
                condition=Q(series__isnull=True, series_count__isnull=True)
                | Q(series__isnull=False, series_count__isnull=False, number__isnull=False),
            ),
            models.CheckConstraint(
                name="document_made_is_complete",
                condition=~Q(status="made")
                | Q(
                    seller__isnull=False,
                    sha256__regex=SHA256,
                    previous_sha256__isnull=False,
                    place__isnull=False,
                    size__gt=0,
                    made_at__isnull=False,
                    template_version__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="document_waits_for_something", condition=~Q(status="waiting") | ~Q(missing=[])
            ),
            Frozen(
                name="document_frozen",
                columns=["account_id", "kind", "key", "subject_id", "format"],
                once=[
                    "number",
                    "series",
                    "series_count",
                    "template_version",
                    "sha256",
                    "place",
                    "previous_sha256",
                    "size",
                    "made_at",
                ],
            ),
            Frozen(
                name="document_words_frozen",
                columns=["data", "language", "seller_id", "missing"],
                when="OLD.status = 'made'",
            ),
        ]
        indexes = [
            models.Index(name="document_of_account", fields=["account", "-id"]),
            models.Index(name="document_of_subject", fields=["subject_id"]),
            models.Index(name="document_waiting", fields=["id"], condition=~Q(status="made")),
        ]

    def __str__(self) -> str:
        return self.number or self.kind

    def may_be_handled_by(self, user: User) -> bool:
        return user.may_decide_on(self.account_id, "core.review_payment")

    @property
    def file_name(self) -> str:
        """Of one without a number: its kind and the end of its id, which no other has."""
        name = self.number or f"{self.kind.replace('_', '-')}-{self.pk.hex[-12:]}"
        return f"{name.replace('/', '-')}.{self.format}"

    @transition(field=status, source=Status.WAITING, target=Status.PREPARED)
    def prepare(self, *, seller: UUID, language: str) -> None:
        """What was missing is there. The caller sets `data` before."""
        self.seller_id, self.language, self.missing = seller, language, []

    @transition(field=status, source=Status.WAITING, target=Status.PREPARED, permission=may_be_handled_by)
    def prepare_again(self, *, by: User, seller: UUID, language: str) -> None:
        """As `prepare`: because somebody has mended what it waited for."""
        self.seller_id, self.language, self.missing = seller, language, []

    @transition(field=status, source=Status.PREPARED, target=Status.WAITING)
    def hold(self, *, missing: list[str]) -> None:
        """It cannot be drawn, as for a letter that no font has."""
        self.missing = missing

    @transition(field=status, source=Status.PREPARED, target=Status.MADE)
    def make(
        self, *, sha256: str, previous_sha256: str, place: int, size: int, template_version: int, made_at: datetime
    ) -> None:
        """Its bytes are stored; they are never made again."""
        self.sha256, self.previous_sha256, self.place = sha256, previous_sha256, place
        self.size, self.template_version, self.made_at = size, template_version, made_at

    @transition(field=status, source=Status.MADE, target=Status.MADE, permission=may_be_handled_by)
    def send(self, *, by: User) -> None:
        """By mail, because somebody asked for it; the file stays as it is."""


class DocumentFile(models.Model):
    """The bytes of a document, apart from its row."""

    document = models.OneToOneField(Document, models.PROTECT, primary_key=True, related_name="file")
    content = models.BinaryField()

    class Meta:
        constraints = [AppendOnly(name="document_file_append_only")]

    def __str__(self) -> str:
        return str(self.document_id)


class DocumentChain(models.Model):
    """The last document of a seller; its row lock orders them."""

    seller = models.OneToOneField(Seller, models.PROTECT, primary_key=True, related_name="+")
    place = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.place}"


def document_key(kind: str, *parts: Any) -> str:
    return ":".join([kind, *map(str, parts)])
