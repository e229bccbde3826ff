from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from core.models import CreditNote, Document, DocumentFile, Invoice, Payment, SellerVersion
from core.models.document import document_key
from engine import effect_handler, perform
from engine.models import Effect
from workflows.documents.bringing import bring
from workflows.documents.chain import next_link
from workflows.documents.composing.cancellation import cancellation_data
from workflows.documents.composing.credit_note import credit_note_data
from workflows.documents.composing.invoice import invoice_data
from workflows.documents.composing.receipt import receipt_data, reversal_data
from workflows.documents.rendering.data import DocumentData
from workflows.documents.writing import Draft, write_documents
from workflows.periods import database_now, today_in

LONGEST_REASON = 500  # characters
Kind = Document.Kind


@effect_handler("document.write_invoice", batch=100, related=("account", "seller__logo", "payment_method", "plan"))
def write_invoices(invoices: Sequence[Invoice], effects: Sequence[Effect]) -> None:
    _write([_invoice_draft(invoice) for invoice in invoices], effects)


@effect_handler(
    "document.write_receipt",
    batch=100,
    related=("account", "method", "decided_by"),
    prefetch=("allocations__invoice__plan", "balance_entries"),
)
def write_receipts(payments: Sequence[Payment], effects: Sequence[Effect]) -> None:
    now = database_now()
    _write([_receipt_draft(payment, today_in(payment.account.time_zone, now)) for payment in payments], effects)


@effect_handler("document.write_reversal", related=("account", "invoice"))
def write_reversal(payment: Payment, effect: Effect) -> None:
    """A bounce makes no credit note: the invoice is open again, and the receipt is taken back."""
    step = effect.transition
    assert step is not None
    on = today_in(payment.account.time_zone, step.at)
    is_part = step.name == "reverse_part"
    receipt = Document.objects.filter(key=document_key(Kind.RECEIPT, payment.pk)).first()

    def compose(language: str, number: str, seller: SellerVersion | None) -> DocumentData:
        return reversal_data(
            payment,
            language,
            amount=Decimal(step.inputs["amount"]) if is_part else payment.kept,
            reason=str(step.inputs.get("reason_given", "")),
            number=number,
            on=on,
            first=(receipt and receipt.number) or "",
        )

    key = document_key("reversal", payment.pk, step.seq)
    draft = Draft(Kind.RECEIPT, key, payment.account, payment.pk, on, compose, series="receipt")
    write_documents([draft], [effect])


@effect_handler("document.write_cancellation", related=("account", "seller", "plan"))
def write_cancellation(invoice: Invoice, effect: Effect) -> None:
    """Of an invoice that was issued; of a draft there is nothing to cancel."""
    step = effect.transition
    if invoice.number is None or step is None:
        return
    on = today_in(invoice.account.time_zone, step.at)

    def compose(language: str, number: str, seller: SellerVersion | None) -> DocumentData:
        return cancellation_data(invoice, language, number=number, on=on, reason=step.reason)

    key = document_key(Kind.CANCELLATION, invoice.pk)
    draft = Draft(Kind.CANCELLATION, key, invoice.account, invoice.pk, on, compose, series="credit_note")
    write_documents([draft], [effect])


@effect_handler("document.write_credit_note", related=("account", "invoice__seller", "invoice__plan"))
def write_credit_note(note: CreditNote, effect: Effect) -> None:
    assert note.issued_on is not None

    def compose(language: str, number: str, seller: SellerVersion | None) -> DocumentData:
        return credit_note_data(note, language, number=number)

    key = document_key(Kind.CREDIT_NOTE, note.pk)
    draft = Draft(Kind.CREDIT_NOTE, key, note.account, note.pk, note.issued_on, compose, series="credit_note")
    _write([draft], [effect])


def _bring_undrawn(document: Document, effect: Effect) -> None:
    bring([document], [effect])


@effect_handler("document.make", lane="documents", related=("seller__seller",), preview=_bring_undrawn)
def make_document(document: Document, effect: Effect) -> None:
    """Draw it, store it, and link it to the one before. A second run finds it made."""
    from workflows.documents import printing  # with typst and the fonts: 100 MB of the processes that draw alone

    if document.status != Document.Status.PREPARED:
        return
    assert document.seller is not None
    try:
        content = printing.draw_document(document.data)
    except printing.MissingLetters as error:
        perform(document.hold, cause=effect, missing=[f"letters: {error}"[:LONGEST_REASON]])
        return
    sha256 = hashlib.sha256(content).hexdigest()
    link = next_link(document.seller.seller, sha256)  # after drawing: it locks out other documents
    DocumentFile.objects.create(document=document, content=content)
    perform(
        document.make,
        cause=effect,
        sha256=sha256,
        previous_sha256=link.previous_sha256,
        place=link.place,
        size=len(content),
        template_version=printing.TEMPLATE_VERSION,
        made_at=database_now(),
    )


@effect_handler("document.bring", batch=100)
def bring_documents(documents: Sequence[Document], effects: Sequence[Effect]) -> None:
    bring(documents, effects)


def _write(drafts: Sequence[Draft], effects: Sequence[Effect]) -> None:
    """The mails of those that wait do not wait with them."""
    causes = {effect.object_id: effect for effect in effects}
    written = write_documents(drafts, effects)
    waiting = [document for document in written if document.status == Document.Status.WAITING]
    bring(waiting, [causes[document.subject_id] for document in waiting])


def _invoice_draft(invoice: Invoice) -> Draft:
    assert invoice.issued_on is not None
    return Draft(
        Kind.INVOICE,
        document_key(Kind.INVOICE, invoice.pk),
        invoice.account,
        invoice.pk,
        invoice.issued_on,
        lambda language, *_: invoice_data(invoice, language),
        number=invoice.number or "",
        seller=invoice.seller,
    )


def _receipt_draft(payment: Payment, on: date) -> Draft:
    return Draft(
        Kind.RECEIPT,
        document_key(Kind.RECEIPT, payment.pk),
        payment.account,
        payment.pk,
        on,
        lambda language, number, seller: receipt_data(payment, language, number=number, on=on, seller=seller),
        series="receipt",
    )
