from __future__ import annotations

import hashlib
from decimal import Decimal
from io import BytesIO

import pikepdf
import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Account, Document, DocumentFile, Invoice, Payment, PaymentMethod, Plan
from engine import perform, preview
from engine.models import Effect
from tests.factories import InvoiceFactory, SellerVersionFactory, StaffFactory
from workflows.actions import choose_plan
from workflows.actions.seller import save_seller
from workflows.lifecycle.invoicing import issue_invoice
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db

VALUES = {
    "legal_name": "Example Software Ltd",
    "address_line1": "1 Sample Street",
    "city": "Sampletown",
    "country": "US",
}


@pytest.fixture
def seller():
    return SellerVersionFactory(terms="Payable without deduction.")


def document(kind, **where):
    return Document.objects.get(kind=kind, **where)


def attachments(mail):
    return [(name, content) for name, content, _ in mail.attachments]


def test_invoice_is_made_and_its_mail_brings_it(seller, customer, mailoutbox):
    signed = customer()

    made = document("invoice")
    content = bytes(made.file.content)
    assert (made.status, made.number, made.account_id) == ("made", signed.invoice.number, signed.account.pk)
    assert (made.sha256, made.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert made.size <= 64_000
    with pikepdf.open(BytesIO(content)) as file:
        assert str(file.docinfo["/Title"]) == f"Invoice {made.number}"


def test_paper_is_attached_once_the_address_is_proved(seller, active, mailoutbox):
    active()

    receipt = document("receipt")
    (mail,) = [each for each in mailoutbox if each.extra_headers["X-Countersign-Kind"] == "payment_approved"]
    assert attachments(mail) == [(f"{receipt.number}.pdf", bytes(receipt.file.content))]


def test_account_that_wants_no_attachments_gets_none(seller, customer, pay, mailoutbox):
    signed = customer()
    Account.objects.update(attaches_documents=False)

    pay(signed.invoice)

    assert document("receipt").status == "made"
    assert [mail.attachments for mail in mailoutbox if mail.attachments] == []


def test_address_that_nobody_proved_gets_no_attachment(seller, plans, customer, mailoutbox):
    customer()

    (mail,) = [each for each in mailoutbox if each.extra_headers["X-Countersign-Kind"] == "invoice_issued"]
    assert mail.attachments == []


def test_bank_details_stand_on_what_asks_for_money_alone(customer, pay):
    SellerVersionFactory(bank_details="Sample Bank\r\n\r\nIBAN DE89 3704 0044 0532 0130 00 ")

    pay(customer().invoice)

    assert document("invoice").data["seller"]["bank"] == ["Sample Bank", "IBAN DE89 3704 0044 0532 0130 00"]
    assert document("receipt").data["seller"]["bank"] == []


def test_paper_names_the_seller_that_the_invoice_was_issued_with(seller, plans, run_effects):
    invoice = InvoiceFactory(seller=seller)
    save_seller({"legal_name": "Renamed before the worker came"}, by=None)

    run_effects()

    made = document("invoice", subject_id=invoice.pk)
    assert (made.seller, made.data["seller"]["name"]) == (seller, "Example Software Ltd")


def test_receipt_says_what_was_paid_and_what_is_left(seller, customer, pay):
    signed = customer()

    pay(signed.invoice, amount=50)

    data = document("receipt").data
    facts = {row["label"]: row["value"] for row in data["facts"]}
    assert data["sections"][0]["rows"] == [[f"{signed.invoice.number}, Starter", "89.00 USD", "50.00 USD", "39.00 USD"]]
    assert data["totals"] == [{"label": "Received", "value": "50.00 USD", "strong": True}]
    assert facts["Countersigned by"] == "Example Software Ltd"
    assert document("receipt").number.startswith("RC-")


def test_without_a_seller_papers_wait_and_mails_do_not(customer, pay, mailoutbox, run_effects):
    signed = customer()
    pay(signed.invoice)

    waiting = Document.objects.order_by("pk")
    assert [(each.kind, each.status, each.missing) for each in waiting] == [
        ("invoice", "waiting", ["seller"]),
        ("receipt", "waiting", ["seller"]),
    ]
    kinds = [mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox]
    assert {"invoice_issued", "payment_approved"} <= set(kinds)

    save_seller(VALUES, by=None)
    sent = len(mailoutbox)
    run_effects()

    assert {each.status for each in Document.objects.all()} == {"made"}
    assert document("invoice").data["seller"]["name"] == "Example Software Ltd"
    assert Invoice.objects.get().seller.number == 1
    assert len(mailoutbox) == sent


def test_letter_without_a_font_holds_the_paper_and_not_the_mail(seller, customer, mailoutbox, run_effects):
    signed = customer()
    signed.account.name = "ร้านตัวอย่าง"
    signed.account.save(update_fields=["name"])

    issue_invoice(signed.account, amount=Decimal(5), subscription=signed.subscription, cause=None, method=None)
    run_effects()

    held = document("invoice", status="waiting")
    assert "Thai" in held.missing[0]
    assert Effect.objects.filter(kind="mail.invoice_issued").count() == 2
    assert not Effect.objects.filter(state="dead").exists()


def test_crash_between_bytes_and_mail_gives_one_paper_and_one_mail(seller, active, mailoutbox, run_effects, pay):
    signed = active()
    bring = Effect.objects.filter(kind="document.bring")

    # What a worker that died after its work and before it could say so leaves behind.
    bring.update(state="ready", done_at=None)
    Effect.objects.filter(kind="document.make").update(state="ready", done_at=None)
    run_effects()

    assert Document.objects.filter(account=signed.account).count() == DocumentFile.objects.count() == 2
    kinds = [mail.extra_headers["X-Countersign-Kind"] for mail in mailoutbox]
    assert (kinds.count("invoice_issued"), kinds.count("payment_approved")) == (1, 1)


def test_paper_is_never_made_again(seller, active, run_effects, monkeypatch):
    active()
    before = {row.pk: bytes(row.content) for row in DocumentFile.objects.all()}

    Plan.objects.update(name="Other")
    Account.objects.update(name="Other")
    PaymentMethod.objects.update(name="Other")
    monkeypatch.setattr("workflows.documents.printing.render", lambda _: b"other bytes")
    Effect.objects.filter(kind="document.make").update(state="ready", done_at=None)
    run_effects()

    assert {row.pk: bytes(row.content) for row in DocumentFile.objects.all()} == before


def test_preview_draws_nothing_and_tells_of_the_mail(seller, customer, pay, monkeypatch):
    payment = pay(customer().invoice, settle=False)
    monkeypatch.setattr("workflows.documents.printing.render", lambda _: pytest.fail("it was drawn"))

    told = preview(payment.approve, by=StaffFactory())

    assert [effect.kind for effect in told.external] == ["mail.payment_approved"]
    assert not Document.objects.filter(kind="receipt").exists()


def test_each_paper_holds_the_digest_of_the_one_before(seller, active):
    active()

    first, second = Document.objects.order_by("place")
    assert (first.place, first.previous_sha256) == (1, "")
    assert (second.place, second.previous_sha256) == (2, first.sha256)
    assert list(_findings()) == []


def test_database_keeps_what_is_made(seller, active):
    active()

    for wrong in (
        lambda: Document.objects.update(data={}),
        lambda: Document.objects.update(number="X"),
        lambda: Document.objects.all().delete(),
        lambda: DocumentFile.objects.update(content=b""),
        lambda: DocumentFile.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), atomic():
            wrong()


def test_reversal_takes_the_receipt_back_by_another(seller, active, controller, run_effects):
    active()
    first = document("receipt")

    perform(Payment.objects.get().reverse, by=controller, reason_given="recalled")
    run_effects()

    second = Document.objects.filter(kind="receipt").latest("pk")
    facts = {row["label"]: row["value"] for row in second.data["facts"]}
    assert (facts["Receipt"], facts["Reason"]) == (first.number, "recalled")
    assert second.data["totals"][0]["value"] == "-89.00 USD"
    assert list(_findings()) == []


def _findings():
    with connection.cursor() as cursor:
        yield from findings(cursor)


def test_smaller_plan_cancels_the_renewal_that_was_issued_by_paper(active, plans, up_to_renewal, run_effects):
    SellerVersionFactory(country="US")
    signed = active("growth")
    up_to_renewal(signed)
    old = Invoice.objects.get(purpose="renewal")

    choose_plan(signed.account, plans["starter"], by=signed.user)
    run_effects()

    cancelled = Document.objects.get(kind="cancellation")
    assert (cancelled.subject_id, cancelled.status, cancelled.data["totals"][-1]["value"]) == (
        old.pk,
        "made",
        "189.00 USD",
    )
