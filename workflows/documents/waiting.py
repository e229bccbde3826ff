"""Documents that wait: for the company to be named, or for a letter that no font has."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from core.models import Document, Invoice, SellerVersion
from engine import NewEffect, effect_handler, perform, schedule_many
from engine.models import Effect
from workflows.documents.composing.parts import with_seller

AT_ONCE = 500  # documents of one run


@effect_handler("document.prepare_waiting")
def write_waiting_documents(_: None, effect: Effect) -> None:
    """Those that waited for a seller, the oldest first; what is left is for an effect that follows."""
    seller = SellerVersion.current()
    if seller is None:
        return
    waiting = Document.objects.filter(status=Document.Status.WAITING, seller=None).order_by("pk")
    found = list(waiting.select_for_update(no_key=True)[:AT_ONCE])
    for document in found:
        prepare(document, seller, effect)
    if len(found) == AT_ONCE:
        schedule_many([NewEffect(write_waiting_documents, f"document.prepare_waiting:{found[-1].pk}", cause=effect)])


def prepare(document: Document, seller: SellerVersion, cause: Effect | None) -> None:
    """The caller has locked it."""
    put_in(document, seller)
    perform(document.prepare, cause=cause, seller=seller.pk, language=document.language)


def put_in(document: Document, seller: SellerVersion) -> None:
    with override(document.language):
        data: Any = with_seller(document.data, seller)
    Document.objects.filter(pk=document.pk).update(data=data)
    document.data = data
    if document.kind == Document.Kind.INVOICE:
        Invoice.objects.filter(pk=document.subject_id, seller=None).update(seller=seller)
