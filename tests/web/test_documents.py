from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import Account, Document
from tests.factories import (
    AccountFactory,
    DocumentFactory,
    InvoiceFactory,
    PaymentFactory,
    SellerVersionFactory,
    TaxRuleFactory,
    made_document,
)
from tests.web.conftest import signed_in
from workflows.documents.composing.parts import blank
from workflows.lifecycle.invoicing import issue_invoice

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 of this test"


def of_day(day):
    return blank("receipt", language="en", on=date.fromisoformat(day), title="Paper")


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def receipts(account):
    """Of two months, the last of which waits."""

    def paper(number, day, **more):
        return made_document(
            CONTENT, account=account, kind="receipt", number=f"RC-2026-{number:06}", data=of_day(day), **more
        )

    return [
        paper(1, "2025-12-31"),
        paper(2, "2026-03-02"),
        paper(3, "2026-03-31"),
        DocumentFactory(
            account=account, kind="invoice", status="waiting", missing=["seller"], data=of_day("2026-04-01")
        ),
    ]


@pytest.fixture
def reader(account, visit):
    return visit(account, role="viewer")


def text_of(client, path, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_documents_page_lists_papers_and_tells_which_wait(receipts, reader):
    page = text_of(reader, "/app/documents/")

    for paper in receipts[:3]:
        assert f'href="/app/documents/{paper.pk}/file/"' in page
        assert paper.number in page
    assert f"{receipts[3].pk}/file/" not in page
    assert "Not ready yet" in page
    assert "You need not do anything." in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"kind": "receipt"}, [0, 1, 2]),
        ({"kind": "invoice"}, []),
        ({"year": "2026"}, [1, 2]),
        ({"year": "2025", "kind": "receipt"}, [0]),
        ({"year": "1999", "kind": "letter"}, [0, 1, 2]),
        ({"kind": "%00", "year": "' OR 1=1"}, [0, 1, 2]),
    ],
)
def test_documents_page_shows_a_kind_or_a_year(receipts, reader, query, shown):
    page = text_of(reader, "/app/documents/", **query)

    assert [number for number, paper in enumerate(receipts[:3]) if paper.number in page] == shown


def test_documents_page_has_pages(account, reader):
    papers = [made_document(account=account, kind="receipt", number=f"RC-2026-{n:06}") for n in range(1, 24)]

    first = text_of(reader, "/app/documents/")
    rest = text_of(reader, "/app/documents/", before=papers[3].pk)

    assert first.count("/file/") == 20
    assert [paper.number in rest for paper in papers[:4]] == [True, True, True, False]


def test_documents_page_asks_few_questions(receipts, reader):
    with CaptureQueriesContext(connection) as queries:
        reader.get("/app/documents/")

    assert len(queries) <= 10


def test_file_is_downloaded_by_its_number(receipts, reader):
    answer = reader.get(f"/app/documents/{receipts[0].pk}/file/")

    assert (answer.content, answer["Content-Type"]) == (CONTENT, "application/pdf")
    assert answer["Content-Disposition"].startswith('attachment; filename="RC-2026-000001.pdf"')
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private")
    again = reader.get(f"/app/documents/{receipts[0].pk}/file/", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_file_of_another_account_is_not_found(receipts, visit):
    stranger = visit(AccountFactory())

    assert stranger.get(f"/app/documents/{receipts[0].pk}/file/").status_code == 404
    assert receipts[0].number not in text_of(stranger, "/app/documents/")


def test_file_that_waits_is_not_found(receipts, reader):
    assert reader.get(f"/app/documents/{receipts[3].pk}/file/").status_code == 404


def test_files_are_not_compressed_again(account, reader):
    paper = made_document(b"%PDF" + b"a" * 5000, account=account, number="RC-2026-000001", kind="receipt")

    answer = reader.get(f"/app/documents/{paper.pk}/file/", headers={"Accept-Encoding": "gzip"})

    assert answer.content == b"%PDF" + b"a" * 5000


def test_month_is_one_zip_of_what_was_made(receipts, reader):
    answer = reader.get("/app/documents/month/?month=2026-03")

    with ZipFile(BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["RC-2026-000002.pdf", "RC-2026-000003.pdf"]
        assert archive.read("RC-2026-000002.pdf") == CONTENT
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].startswith('attachment; filename="documents-2026-03.zip"')


def test_month_holds_no_paper_of_another_account(receipts, visit):
    stranger = visit(AccountFactory())

    answer = stranger.get("/app/documents/month/?month=2026-03", follow=True)

    assert "There is no file of this month." in answer.content.decode()


def test_numbers_that_differ_in_a_stroke_are_two_files_of_a_zip(account, reader):
    for number in ("RC/2026/1", "RC-2026-1"):
        made_document(account=account, kind="receipt", number=number, data=of_day("2026-03-02"))

    answer = reader.get("/app/documents/month/?month=2026-03")

    with ZipFile(BytesIO(b"".join(answer.streaming_content))) as archive:
        assert len(set(archive.namelist())) == 2


@pytest.mark.parametrize("limit", ["FILES_PER_ZIP", "BYTES_PER_ZIP"])
def test_month_that_is_too_large_is_refused_in_words(receipts, reader, monkeypatch, limit):
    monkeypatch.setattr(f"web.customer.documents.{limit}", 1)

    answer = reader.get("/app/documents/month/?month=2026-03", follow=True)

    assert "March 2026 has 2 files of 1 MB together." in answer.content.decode()


@pytest.mark.parametrize("month", ["", "2026-13", "2026-3", "٢٠٢٦-٠٣", "0000-01", "9999-99", "2026-03 "])
def test_month_that_is_none_is_refused_in_words(receipts, reader, month):
    answer = reader.get("/app/documents/month/", {"month": month}, follow=True)

    assert "Choose a month." in answer.content.decode()


def test_invoice_and_payment_pages_lead_to_their_papers(account):
    payment = PaymentFactory()
    invoice = made_document(account=payment.account, kind="invoice", number="INV-1", subject_id=payment.invoice_id)
    receipt = made_document(account=payment.account, kind="receipt", number="RC-1", subject_id=payment.pk)
    client = signed_in(payment.submitted_by)

    of_invoice = text_of(client, reverse("invoice", args=[payment.invoice_id]))
    of_payment = text_of(client, reverse("payment", args=[payment.pk]))

    assert f"/app/documents/{invoice.pk}/file/" in of_invoice
    assert f"/app/documents/{receipt.pk}/file/" in of_invoice
    assert f"/app/documents/{receipt.pk}/file/" in of_payment
    assert f"/app/documents/{invoice.pk}/file/" not in of_payment


def test_paper_of_an_invoice_that_waits_is_told_in_plain_words(visit):
    invoice = InvoiceFactory()
    DocumentFactory(
        account=invoice.account, kind="invoice", status="waiting", missing=["seller"], subject_id=invoice.pk
    )
    client = visit(invoice.account)

    page = text_of(client, reverse("invoice", args=[invoice.pk]))
    sheet = text_of(client, reverse("document", args=[invoice.pk]))

    assert "Not ready yet" in page
    assert "Download PDF" not in page + sheet


def test_sheet_says_who_bills_for_what_with_which_tax(visit):
    SellerVersionFactory(tax_ids=[{"label": "EIN", "value": "00-0000000"}], terms="Payable at once.")
    TaxRuleFactory(category="S", rate=10, label="Sales tax")
    first = InvoiceFactory()
    invoice = issue_invoice(first.account, amount=Decimal(89), subscription=first.subscription, cause=None, method=None)
    paper = made_document(
        account=invoice.account, kind="invoice", number=invoice.number, subject_id=invoice.pk, seller=invoice.seller
    )

    sheet = text_of(visit(invoice.account), reverse("document", args=[invoice.pk]))

    for words in ("Example Software Ltd", "1 Sample Street", "00-0000000", "Payable at once."):
        assert words in sheet
    for amount in ("80.91 USD", "8.09 USD", "89.00 USD"):
        assert amount in sheet
    assert "Sales tax 10" in sheet
    assert f"/app/documents/{paper.pk}/file/" in sheet


def test_sheet_of_an_invoice_without_a_seller_names_none(visit):
    invoice = InvoiceFactory()

    sheet = text_of(visit(invoice.account), reverse("document", args=[invoice.pk]))

    assert "Countersign</p>" not in sheet
    assert "Starter" in sheet
    assert "89.00 USD" in sheet


@pytest.mark.parametrize(("sent", "kept"), [("no", False), ("yes", True), (None, True)])
def test_billing_page_chooses_files_or_links_in_mails(account, visit, sent, kept):
    form = {**account.billing_snapshot(), "name": account.name, "language": "en"}

    visit(account).post(reverse("billing"), form | ({"attaches_documents": sent} if sent else {}))

    assert Account.objects.get(pk=account.pk).attaches_documents is kept


def test_billing_page_refuses_another_choice_of_files(account, visit):
    form = {**account.billing_snapshot(), "name": account.name, "language": "en", "attaches_documents": "maybe"}

    page = visit(account).post(reverse("billing"), form).content.decode()

    assert "is not one of the available choices" in page
    assert Account.objects.get(pk=account.pk).attaches_documents


def test_owner_asks_for_a_statement_on_the_page(account, visit, run_effects):
    SellerVersionFactory()
    owner = visit(account)
    today = timezone.now().date()
    form = {"start": f"{today - timedelta(days=90)}", "end": f"{today}", "currency": "USD"}

    page = owner.post(reverse("documents"), form, follow=True).content.decode()
    being_made = "Being made" in page and 'data-poll="3"' in page
    run_effects()

    made = Document.objects.get(kind="statement", account=account)
    assert "Your statement is being made." in page
    assert being_made
    assert f"/app/documents/{made.pk}/file/" in text_of(owner, "/app/documents/")
    assert 'data-poll="3"' not in text_of(owner, "/app/documents/")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"end": "2020-01-01"}, "The last day is before the first."),
        ({"end": "9999-12-31"}, "The last day is not over yet"),
        ({"start": "1999-01-01"}, "A statement covers a year at most."),
        ({"currency": "EUR"}, "is not one of the available choices"),
        ({"start": "soon"}, "Enter a valid date."),
    ],
)
def test_statement_of_a_wrong_span_is_refused_beside_its_field(account, visit, changed, words):
    today = timezone.now().date()
    form = {"start": f"{today}", "end": f"{today}", "currency": "USD"} | changed

    page = visit(account).post(reverse("documents"), form).content.decode()

    assert words in page
    assert not Document.objects.exists()


def test_statement_form_that_is_sent_twice_makes_one(account, visit):
    owner = visit(account)
    token = re.search(r'name="token" value="([0-9a-f]{32})"', text_of(owner, "/app/documents/"))
    today = timezone.now().date()
    form = {"start": f"{today}", "end": f"{today}", "currency": "USD", "token": token[1]}

    for _ in range(2):
        assert owner.post(reverse("documents"), form).status_code == 302

    assert Document.objects.count() == 1


def test_statements_that_are_too_many_a_day_are_refused_in_words(account, visit, settings):
    settings.ACCOUNT_LIMITS = {"document": (1, timedelta(days=1))}
    owner = visit(account)
    today = timezone.now().date()
    form = {"start": f"{today}", "end": f"{today}", "currency": "USD"}
    owner.post(reverse("documents"), form)

    refused = owner.post(reverse("documents"), form)

    assert refused.status_code == 429
    assert "This has been done too often today." in refused.content.decode()


def test_owner_asks_for_a_proforma_on_the_plan_page(shop, account, visit):
    owner = visit(account)
    assert reverse("make_proforma") in text_of(owner, reverse("plan"))

    page = owner.post(reverse("make_proforma"), {"plan": "growth", "currency": "USD"}, follow=True).content.decode()

    assert "Your proforma invoice is being made." in page
    assert Document.objects.get().kind == "proforma"


def test_proforma_of_no_plan_is_refused_in_words(shop, account, visit):
    for plan in ("", "free", "none"):
        page = visit(account).post(reverse("make_proforma"), {"plan": plan}, follow=True).content.decode()
        assert "Choose a p" in page

    assert not Document.objects.exists()


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_readers_are_offered_no_paper_to_ask_for_and_get_none(shop, account, visit, role):
    reader = visit(account, role=role)
    today = timezone.now().date()

    statement = reader.post(reverse("documents"), {"start": today, "end": today, "currency": "USD"})
    proforma = reader.post(reverse("make_proforma"), {"plan": "growth"})

    assert (statement.status_code, proforma.status_code) == (403, 403)
    assert "Make the statement" not in text_of(reader, "/app/documents/")
    assert not Document.objects.exists()
