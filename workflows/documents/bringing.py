"""The mail that tells of a document leaves once: with it, or without where it must wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.models import CreditNote, Document, Invoice, Payment
from core.models.base import StatefulModel
from engine import NewEffect, schedule_many
from engine.models import Effect
from workflows.mail.notifications import mail_approval, mail_credit_note, mail_invoice

# By the first word of a document's key.
MAILS: dict[str, tuple[Callable[..., Any], type[StatefulModel]]] = {
    "invoice": (mail_invoice, Invoice),
    "receipt": (mail_approval, Payment),
    "credit_note": (mail_credit_note, CreditNote),
}


def bring(documents: Sequence[Document], causes: Sequence[Effect]) -> None:
    pairs = [(document, cause) for document, cause in zip(documents, causes, strict=True) if _word(document) in MAILS]
    schedule_many([_mail(document, cause) for document, cause in pairs])


def _mail(document: Document, cause: Effect) -> NewEffect:
    handler, model = MAILS[_word(document)]
    about = model._base_manager.get(pk=document.subject_id)
    return NewEffect(handler, f"brought:{document.key}", about=about, cause=cause)


def _word(document: Document) -> str:
    return document.key.partition(":")[0]
