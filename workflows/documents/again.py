"""A paper once more: mailed as it is, or drawn after what held it up is mended."""

from __future__ import annotations

from django.db.transaction import atomic

from core.models import Document, SellerVersion, User
from core.problems import Conflict, PermissionDenied
from core.security import rate_limits
from engine import perform, retry, schedule
from engine.models import Effect
from engine.operator_actions import is_retriable
from workflows.documents.effects import make_document
from workflows.documents.requests import WRITE_TO_CUSTOMERS
from workflows.documents.waiting import put_in
from workflows.mail.attachments import LARGEST
from workflows.settlement.locking import lock_account


def send_again(document: Document, *, by: User) -> None:
    """Mails its file to the account's billing address.

    Raises PermissionDenied; WrongState if it has no file; Conflict if no mail can bring it; TooManyRequests.
    """
    with atomic():
        account = lock_account(document.account)
        if document.size is not None and document.size > LARGEST:
            raise Conflict("The file is too large for a mail. The customer finds it on the page of documents.")
        if not account.billing_email:
            raise Conflict("The account has no billing address.")
        perform(document.send, by=by)
        rate_limits.enforce_account_limit("document_mail", account.pk)


def make_again(document: Document, *, by: User) -> None:
    """Draws one that waits, or whose drawing failed; never one that is made. A second run finds it being made.

    Raises PermissionDenied, also to those who may not operate effects if its effect needs that; Conflict.
    """
    if not by.may_decide_on(document.account_id, WRITE_TO_CUSTOMERS):
        raise PermissionDenied("You may not make documents of this account.")
    with atomic():
        document = Document.objects.select_for_update(no_key=True).get(pk=document.pk)
        if document.status == Document.Status.MADE:
            raise Conflict("It is made, and its file stays as it is.")
        if document.status == Document.Status.WAITING:
            _prepare_again(document, by)
        else:
            _draw_again(document, by)


def drawing_of(document: Document) -> Effect | None:
    """The last effect that was to make it."""
    drawings = Effect.objects.filter(machine="document", object_id=document.pk, kind="document.make")
    return drawings.order_by("-id").first()


def _prepare_again(document: Document, by: User) -> None:
    """One that has its seller waits for a font: a newer version of the product may bring it."""
    seller = document.seller or SellerVersion.current()
    if seller is None:
        raise Conflict("Nobody has named the company yet: Settings, Company.")
    if document.seller is None:
        put_in(document, seller)
    perform(document.prepare_again, by=by, seller=seller.pk, language=document.language)


def _draw_again(document: Document, by: User) -> None:
    drawing = drawing_of(document)
    if drawing is not None and is_retriable(drawing):
        retry(drawing, by=by, reason="The document is made again")
    elif drawing is None or drawing.state in Effect.FINISHED:  # skipped
        last = drawing.pk if drawing else "none"
        schedule(make_document, key=f"document.make_again:{document.pk}:{last}", about=document)
    else:
        raise Conflict("It is being made.")
