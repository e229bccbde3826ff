from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import Account, Document, PlanPrice
from engine import perform
from engine.ids import first_id_at
from engine.models import Effect, Transition
from tests.factories import (
    AccountFactory,
    DocumentFactory,
    InvoiceFactory,
    PaymentFactory,
    SellerVersionFactory,
    StaffFactory,
    made_document,
)
from tests.web.conftest import signed_in
from workflows.documents.requests import make_statement

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 of this test"
LIST = "/desk/documents/"


@pytest.fixture
def reviewer():
    return signed_in(StaffFactory())


@pytest.fixture
def account():
    return AccountFactory(name="Works Ltd", billing_email="bills@works.test", proved_email="bills@works.test")


@pytest.fixture
def paper(account):
    return made_document(CONTENT, account=account, kind="receipt", number="RC-2026-000001")


def page_of(document):
    return reverse("desk_document", args=[document.pk])


def text_of(client, path, **query):
    answer = client.get(path, query)
    assert answer.status_code == 200
    return answer.content.decode()


def token_in(page):
    return re.search(r'name="token" value="([0-9a-f]{32})"', page)[1]


@pytest.fixture
def papers(account, paper):
    """Of two customers and two months; the last waits."""
    march = first_id_at(datetime(2026, 3, 5, tzinfo=UTC))
    old = made_document(CONTENT, id=march, account=account, kind="invoice", number="INV-2026-000007")
    other = AccountFactory(name="Mills & Co")
    return [paper, old, DocumentFactory(account=other, kind="statement", status="waiting", missing=["seller"])]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, [0, 1, 2]),
        ({"kind": "invoice"}, [1]),
        ({"status": "waiting"}, [2]),
        ({"month": "2026-03"}, [1]),
        ({"q": "rc-2026-000001"}, [0]),
        ({"q": "works"}, [0, 1]),
        ({"q": "BILLS@works.test", "kind": "receipt"}, [0]),
        ({"q": "RC-2026"}, []),
        ({"kind": "letter", "status": "lost", "month": "2026-13"}, [0, 1, 2]),
        ({"month": "9999-12", "q": ""}, [0, 1, 2]),
        ({"month": "2999-12", "q": "%"}, []),
    ],
)
def test_documents_are_found_by_kind_status_month_number_and_customer(papers, reviewer, query, shown):
    page = text_of(reviewer, LIST, **query)

    assert [number for number, paper in enumerate(papers) if page_of(paper) in page] == shown


def test_list_has_pages_and_asks_as_much_for_many_as_for_few(account, reviewer):
    first = made_document(account=account, kind="receipt", number="RC-2026-000000")
    reviewer.get(LIST)
    with CaptureQueriesContext(connection) as few:
        reviewer.get(LIST)
    for number in range(1, 24):
        made_document(account=AccountFactory(), kind="receipt", number=f"RC-2026-{number:06}")

    with CaptureQueriesContext(connection) as many:
        page = text_of(reviewer, LIST)
    older = re.search(r'rel="next" href="([^"]+)"', page)[1]

    assert len(many) == len(few) <= 5
    assert page.count("RC-2026-") == 20
    assert page_of(first) in text_of(reviewer, LIST + older)


def test_page_of_a_document_shows_its_digest_place_and_what_it_tells_of(paper, reviewer):
    second = made_document(b"%PDF another", account=paper.account, kind="statement", subject_id=paper.account_id)

    page = text_of(reviewer, page_of(second))

    for words in (second.sha256, paper.sha256, "Works Ltd", reverse("desk_account", args=[paper.account_id])):
        assert words in page
    assert "It is the first." in text_of(reviewer, page_of(paper))


def test_page_leads_to_the_invoice_or_payment_that_it_tells_of(reviewer):
    payment = PaymentFactory()
    invoice = made_document(account=payment.account, kind="invoice", number="INV-1", subject_id=payment.invoice_id)
    receipt = made_document(account=payment.account, kind="receipt", number="RC-1", subject_id=payment.pk)

    assert reverse("desk_invoice", args=[payment.invoice_id]) in text_of(reviewer, page_of(invoice))
    assert reverse("desk_payment", args=[payment.pk]) in text_of(reviewer, page_of(receipt))


def test_file_is_downloaded_with_its_digest_as_etag(paper, reviewer):
    answer = reviewer.get(reverse("desk_document_file", args=[paper.pk]))

    assert (answer.content, answer["ETag"]) == (CONTENT, f'"{paper.sha256}"')
    assert answer["Content-Disposition"].startswith('attachment; filename="RC-2026-000001.pdf"')
    again = reviewer.get(reverse("desk_document_file", args=[paper.pk]), headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_page_says_what_is_missing_and_where_to_mend_it(account, reviewer):
    unnamed = DocumentFactory(account=account, status="waiting", missing=["seller"], seller=None, number="A-1")
    no_font = DocumentFactory(
        account=account, status="waiting", missing=["letters: No font has the letters ก (Thai)."], number="A-2"
    )
    setter = StaffFactory()
    setter.user_permissions.add(*Permission.objects.filter(codename="change_seller"))

    assert "nobody has named the company" in text_of(reviewer, page_of(unnamed))
    assert reverse("settings_company") not in text_of(reviewer, page_of(unnamed))
    assert reverse("settings_company") in text_of(signed_in(setter), page_of(unnamed))
    assert "It waits. <bdi>No font has the letters ก (Thai).</bdi>" in text_of(reviewer, page_of(no_font))
    assert reverse("desk_document_file", args=[no_font.pk]) not in text_of(reviewer, page_of(no_font))


def test_document_is_sent_again_once_for_a_form(paper, reviewer, run_effects, mailoutbox):
    form = {"token": token_in(text_of(reviewer, page_of(paper)))}
    for _ in range(2):
        answer = reviewer.post(reverse("desk_document_verb", args=[paper.pk, "send"]), form, follow=True)
    run_effects()

    page = text_of(reviewer, page_of(paper))
    assert "It is being mailed." in answer.content.decode()
    assert len([mail for mail in mailoutbox if mail.attachments]) == 1
    assert "bills@works.test" in page
    assert "asked for by" in page
    assert Transition.objects.filter(name="send", object_id=paper.pk).count() == 1


def test_waiting_document_is_made_again_from_its_page(account, reviewer, run_effects):
    SellerVersionFactory()
    today = timezone.now().date()
    document = make_statement(account, "USD", today, today, by=StaffFactory())
    Effect.objects.filter(kind="document.make").update(state="skipped")
    perform(document.hold, missing=["letters: Thai"])

    page = reviewer.post(reverse("desk_document_verb", args=[document.pk, "make"]), follow=True).content.decode()
    is_polled = 'data-poll="3"' in page
    run_effects()

    assert "It is being made." in page
    assert is_polled
    assert "Download PDF" in text_of(reviewer, page_of(document))


def test_made_document_is_not_offered_to_be_made_again_and_refuses(paper, reviewer):
    page = text_of(reviewer, page_of(paper))
    refused = reviewer.post(reverse("desk_document_verb", args=[paper.pk, "make"]), follow=True).content.decode()

    assert "Make again" not in page
    assert "its file stays as it is" in refused


def test_drawing_that_died_is_told_and_tried_again_by_operators(account):
    SellerVersionFactory()
    today = timezone.now().date()
    document = make_statement(account, "USD", today, today, by=StaffFactory())
    Effect.objects.filter(kind="document.make").update(state="dead")
    operator = StaffFactory()
    operator.user_permissions.add(Permission.objects.get(codename="operate_effects"))

    assert "Make again" not in text_of(signed_in(StaffFactory()), page_of(document))
    assert "Make again" in text_of(signed_in(operator), page_of(document))
    signed_in(operator).post(reverse("desk_document_verb", args=[document.pk, "make"]))

    assert Effect.objects.get(kind="document.make").state == "ready"


def test_unknown_verb_is_not_found(paper, reviewer):
    assert reviewer.post(reverse("desk_document_verb", args=[paper.pk, "shred"])).status_code == 404


def test_statement_is_made_on_the_page_of_the_account_once(account, reviewer):
    path = reverse("desk_make_statement", args=[account.pk])
    assert path in text_of(reviewer, reverse("desk_account", args=[account.pk]))
    today = timezone.now().date()
    form = {"start": f"{today - timedelta(days=30)}", "end": f"{today}", "currency": "USD"}
    form["token"] = token_in(text_of(reviewer, path))

    answers = [reviewer.post(path, form) for _ in range(2)]

    made = Document.objects.get(kind="statement")
    assert [answer.url for answer in answers] == [page_of(made)] * 2
    assert page_of(made) in text_of(reviewer, reverse("desk_account", args=[account.pk]))


def test_statement_of_a_wrong_span_is_refused_beside_its_field(account, reviewer):
    today = timezone.now().date()
    form = {"start": "1999-01-01", "end": f"{today}", "currency": "USD"}

    answer = reviewer.post(reverse("desk_make_statement", args=[account.pk]), form)

    assert answer.status_code == 400
    assert "A statement covers a year at most." in answer.content.decode()


def test_proforma_is_made_of_a_price_that_is_offered(shop, account, reviewer):
    path = reverse("desk_make_proforma", args=[account.pk])
    price = PlanPrice.objects.get(plan__code="growth", currency="USD", interval="month", retired_at=None)
    assert f'value="{price.pk}">Growth, 189.00 USD a month' in text_of(reviewer, path)

    wrong = reviewer.post(path, {"plan": "growth"})
    made = reviewer.post(path, {"plan": f"{price.pk}"}, follow=True)

    assert "is not one of the available choices" in wrong.content.decode()
    assert "Nothing is mailed until you send it." in made.content.decode()
    assert Document.objects.get().data["sections"][0]["rows"][0][0] == "Growth, one month"


def test_reminder_letter_is_made_on_the_page_of_an_open_invoice_once(reviewer):
    invoice = InvoiceFactory()
    page = text_of(reviewer, reverse("desk_invoice", args=[invoice.pk]))
    form = {"token": token_in(page)}

    answers = [reviewer.post(reverse("desk_make_reminder", args=[invoice.pk]), form) for _ in range(2)]

    made = Document.objects.get(kind="reminder", subject_id=invoice.pk)
    assert [answer.url for answer in answers] == [page_of(made)] * 2
    assert page_of(made) in text_of(reviewer, reverse("desk_invoice", args=[invoice.pk]))


def test_reminder_letter_of_an_invoice_that_nobody_owes_is_refused_in_words(reviewer):
    invoice = InvoiceFactory()
    perform(invoice.lapse)

    page = reviewer.post(reverse("desk_make_reminder", args=[invoice.pk]), follow=True).content.decode()

    assert "Nothing is asked for by this invoice any more." in page
    assert "Make a reminder letter" not in page


def test_invoice_page_leads_to_its_papers_and_its_payments(reviewer):
    payment = PaymentFactory()
    receipt = made_document(account=payment.account, kind="receipt", number="RC-1", subject_id=payment.pk)

    assert page_of(receipt) in text_of(reviewer, reverse("desk_invoice", args=[payment.invoice_id]))


def test_staff_of_another_duty_see_no_documents(paper):
    staff = StaffFactory()
    staff.user_permissions.set(Permission.objects.filter(codename__in=["void_invoice", "adjust_credits"]))
    clerk = signed_in(staff)

    paths = [LIST, page_of(paper), reverse("desk_document_file", args=[paper.pk])]
    assert [clerk.get(path).status_code for path in paths] == [403] * 3
    assert clerk.post(reverse("desk_document_verb", args=[paper.pk, "send"])).status_code == 403
    assert page_of(paper) not in text_of(clerk, reverse("desk_account", args=[paper.account_id]))
    assert "Statement</a>" not in text_of(clerk, reverse("desk_account", args=[paper.account_id]))


def test_customers_do_not_reach_the_desk_of_documents(paper, visit):
    owner = visit(Account.objects.get(pk=paper.account_id))

    assert owner.get(LIST).status_code == 403
    assert owner.get(reverse("desk_document_file", args=[paper.pk])).status_code == 403
