"""Operators are told once of each reason why documents wait, or invoices are marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import Count
from django.utils.crypto import salted_hmac

from core.models import Document, Invoice
from core.models.document import SELLER, TAX_RULE
from engine import NewEffect, run_once_per, schedule_many
from engine.models import Effect
from workflows.mail import context
from workflows.mail.sending import EmailContext, mail

LETTERS = "letters"
NAMED_AT_MOST = 20  # reasons of one run


@dataclass(frozen=True)
class Reason:
    kind: str
    detail: str
    count: int

    @property
    def key(self) -> str:
        digest = salted_hmac("workflows.documents.alerts", self.detail, algorithm="sha256").hexdigest()[:16]
        return f"documents_wait:{self.kind}:{digest}"


@mail("documents_wait", to_staff=True)
def mail_documents_wait(_: None, effect: Effect) -> EmailContext:
    told = context.documents_wait(effect.payload["kind"], effect.payload["detail"], effect.payload["count"])
    return EmailContext(told, to=settings.OPERATOR_EMAILS)


def warn_of_waiting_documents() -> None:
    """Looks once an hour."""
    with run_once_per("documents", timedelta(hours=1)) as is_ours:
        if is_ours:
            schedule_many([_mail(reason) for reason in reasons()])


def reasons() -> Iterator[Reason]:
    waiting = Document.objects.filter(status=Document.Status.WAITING)
    named = waiting.values_list("missing__0").annotate(count=Count("pk")).order_by("-count")
    for missing, count in named[:NAMED_AT_MOST]:
        kind, _, detail = str(missing).partition(": ")
        yield Reason(SELLER if kind == SELLER else LETTERS, detail, count)
    marked = Invoice.objects.filter(tax_details__has_key="missing", tax_details__missing__contains=[TAX_RULE])
    by_country = marked.values_list("metadata__billing_snapshot__country").annotate(count=Count("pk"))
    for country, count in by_country.order_by("-count")[:NAMED_AT_MOST]:
        yield Reason(TAX_RULE, country or "?", count)


def _mail(reason: Reason) -> NewEffect:
    payload = {"kind": reason.kind, "detail": reason.detail, "count": reason.count}
    return NewEffect(mail_documents_wait, key=reason.key, payload=payload)
