from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.models import Document, Invoice
from engine.ids import uuid7
from tests.api.caller import staff
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    DocumentFactory,
    InvoiceFactory,
    MembershipFactory,
    SellerVersionFactory,
    made_document,
)
from workflows.lifecycle.invoicing import issue_invoice

pytestmark = pytest.mark.django_db

CONTENT = b"%PDF-1.7 of this test"


@pytest.fixture
def paper():
    return made_document(CONTENT, kind="receipt", number="RC-2026-000001")


@pytest.fixture
def viewer(paper):
    return Caller(MembershipFactory(account=paper.account, role="viewer").user)


@pytest.fixture
def reviewer():
    return staff("review_payment")


@pytest.mark.happy("GET documents/", "GET documents/{id}/")
def test_member_reads_papers_of_the_account(paper, viewer):
    made_document(kind="receipt", number="RC-2026-000002")  # another account's

    [row] = viewer.get("documents/").json()["results"]
    one = viewer.get(f"documents/{paper.pk}/").json()

    assert row == one
    assert (one["id"], one["kind"], one["status"]) == (str(paper.pk), "receipt", "made")
    assert (one["number"], one["language"], one["format"]) == ("RC-2026-000001", "en", "pdf")
    assert (one["sha256"], one["size"]) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert (one["account"], one["subject"]) == (str(paper.account_id), str(paper.subject_id))
    assert one["made_at"].endswith("Z")


@pytest.mark.happy("GET documents/{id}/file/")
def test_file_is_answered_with_its_digest(paper, viewer):
    answer = viewer.get(f"documents/{paper.pk}/file/")

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["ETag"] == f'"{paper.sha256}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"].startswith("private")
    assert answer["Content-Disposition"] == (
        "attachment; filename=\"RC-2026-000001.pdf\"; filename*=UTF-8''RC-2026-000001.pdf"
    )


@pytest.mark.happy("GET billing/admin/documents/")
def test_staff_read_papers_of_all_and_why_they_wait(paper):
    waiting = DocumentFactory(status="waiting", missing=["seller"], seller=None, kind="invoice")

    rows = staff().get("billing/admin/documents/").json()["results"]

    assert [(row["id"], row["status"], row["missing"]) for row in rows] == [
        (str(waiting.pk), "waiting", ["seller"]),
        (str(paper.pk), "made", []),
    ]
    assert (rows[1]["place"], rows[1]["previous_sha256"]) == (1, "")


@pytest.mark.happy("POST billing/admin/documents/")
def test_staff_make_papers_of_an_account_and_of_an_open_invoice(reviewer, signed):
    account, invoice = str(signed.account.pk), str(InvoiceFactory().pk)
    today = timezone.now().date().isoformat()
    bodies = [
        {"kind": "statement", "account": account, "start": today, "end": today},
        {"kind": "proforma", "account": account, "plan": "large", "interval": "month"},
        {"kind": "reminder", "invoice": invoice},
    ]

    answers = [reviewer.post("billing/admin/documents/", body) for body in bodies]

    assert [answer.status_code for answer in answers] == [201] * 3
    assert [answer.json()["kind"] for answer in answers] == ["statement", "proforma", "reminder"]
    assert [answer.json()["subject"] for answer in answers] == [account, account, invoice]
    assert answers[0].json()["missing"] == ["seller"]


@pytest.mark.happy("POST billing/admin/documents/{id}/send/")
def test_staff_mail_a_paper_once_for_a_key(reviewer, paper, run_effects, mailoutbox):
    type(paper.account).objects.update(billing_email="bills@acme.test", proved_email="bills@acme.test")
    path, key = f"billing/admin/documents/{paper.pk}/send/", {"Idempotency-Key": "again"}

    answers = [reviewer.post(path, {}, **key) for _ in range(2)]
    run_effects()

    assert [answer.status_code for answer in answers] == [202, 202]
    [mail] = [mail for mail in mailoutbox if mail.attachments]
    assert (mail.to, mail.attachments[0].content) == (["bills@acme.test"], CONTENT)


@pytest.mark.happy("POST documents/statements/", "POST documents/proformas/", "GET documents/{id}/file/")
def test_owner_asks_for_a_statement_and_a_proforma(signed, run_effects):
    SellerVersionFactory()
    owner = Caller(signed.user)
    today = timezone.now().date()

    asked = [
        owner.post("documents/statements/", {"start": f"{today - timedelta(days=30)}", "end": f"{today}"}),
        owner.post("documents/proformas/", {"plan": "small", "currency": "USD"}),
    ]
    run_effects()

    assert [(answer.status_code, answer.json()["kind"]) for answer in asked] == [(201, "statement"), (201, "proforma")]
    for answer in asked:
        assert owner.get(f"documents/{answer.json()['id']}/").json()["status"] == "made"
        file = owner.get(f"documents/{answer.json()['id']}/file/")
        assert file.content.startswith(b"%PDF-")
        assert f'filename="{answer.json()["kind"]}-' in file["Content-Disposition"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("statements/", {"start": "2026-01-02", "end": "2026-01-01"}, "end"),
        ("statements/", {"start": "2024-01-02", "end": "2026-01-01"}, "start"),
        ("statements/", {"start": "2026-01-01", "end": "9999-12-31"}, "end"),
        ("statements/", {"start": "2026-01-01"}, "end"),
        ("statements/", {"start": "2026-01-01", "end": "2026-01-02", "currency": "XXX"}, "currency"),
        ("proformas/", {"plan": "none"}, "plan"),
        ("proformas/", {"plan": "free"}, "plan"),
        ("proformas/", {"plan": "small", "interval": "year"}, "interval"),
        ("proformas/", {"plan": "small", "currency": "EUR"}, "currency"),
    ],
)
def test_wrong_request_for_a_paper_names_the_field_and_writes_none(signed, path, body, field):
    before = Document.objects.count()

    answer = Caller(signed.user).post(f"documents/{path}", body)

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == [field]
    assert Document.objects.count() == before


def test_papers_are_asked_for_so_often_a_day(signed, settings):
    settings.ACCOUNT_LIMITS = {"document": (1, timedelta(days=1))}
    owner = Caller(signed.user)
    owner.post("documents/proformas/", {"plan": "small"})

    assert is_problem(owner.post("documents/proformas/", {"plan": "small"}), 429, "too-many-requests")


@pytest.mark.parametrize("known", ['"{0}"', 'W/"{0}"', '"other", "{0}"', "*"])
def test_file_that_is_known_is_not_sent_again(paper, viewer, known, django_assert_num_queries):
    path = f"documents/{paper.pk}/file/"
    viewer.get(path)

    with django_assert_num_queries(2):  # who asks, and the paper: not its bytes
        answer = viewer.get(path, **{"If-None-Match": known.format(paper.sha256)})

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", f'"{paper.sha256}"')


@pytest.mark.parametrize("other", ['"0000"', "{0}", "nonsense", ""])
def test_another_file_s_digest_gets_the_file(paper, viewer, other):
    answer = viewer.get(f"documents/{paper.pk}/file/", **{"If-None-Match": other.format(paper.sha256)})

    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_head_tells_the_size_without_the_bytes(paper, viewer):
    answer = viewer.client.head(f"/api/v1/documents/{paper.pk}/file/")

    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer["Content-Length"], answer["ETag"]) == (str(len(CONTENT)), f'"{paper.sha256}"')


def test_client_may_accept_pdf_alone(paper, viewer):
    there = viewer.get(f"documents/{paper.pk}/file/", Accept="application/pdf")
    missing = viewer.get(f"documents/{uuid7()}/file/", Accept="application/pdf")

    assert there.content == CONTENT
    assert is_problem(missing, 404, "not-found")


@pytest.mark.parametrize("status", ["waiting", "prepared"])
def test_paper_that_is_not_made_is_listed_without_a_file(status):
    missing = ["seller"] if status == "waiting" else []
    paper = DocumentFactory(status=status, missing=missing)
    member = Caller(MembershipFactory(account=paper.account).user)

    one = member.get(f"documents/{paper.pk}/").json()

    assert (one["status"], one["sha256"], one["size"], one["made_at"]) == (status, None, None, None)
    assert is_problem(member.get(f"documents/{paper.pk}/file/"), 404, "not-found")


def test_foreign_paper_is_answered_like_one_that_is_missing(paper):
    stranger = Caller(MembershipFactory().user)

    for path in ("documents/{}/", "documents/{}/file/"):
        foreign, missing = stranger.get(path.format(paper.pk)), stranger.get(path.format(uuid7()))
        assert is_problem(foreign, 404, "not-found")
        assert is_problem(missing, 404, "not-found")
        assert foreign.json()["detail"] == missing.json()["detail"]


def test_lists_take_kind_subject_account_and_status(paper, viewer):
    invoice = made_document(account=paper.account, kind="invoice", number="INV-2026-000001", subject_id=uuid7())
    clerk = staff()

    def found(caller, path, query):
        return [row["id"] for row in caller.get(f"{path}?{query}").json()["results"]]

    for caller, path in ((viewer, "documents/"), (clerk, "billing/admin/documents/")):
        assert found(caller, path, "kind=invoice") == [str(invoice.pk)]
        assert found(caller, path, f"subject={invoice.subject_id}") == [str(invoice.pk)]
        assert found(caller, path, f"account={paper.account_id}&ordering=created_at") == [
            str(paper.pk),
            str(invoice.pk),
        ]
        assert found(caller, path, f"account={uuid7()}") == []
        assert found(caller, path, "status=waiting") == []
        assert is_problem(caller.get(f"{path}?kind=letter"), 400, "validation-error")


def test_page_of_papers_does_not_ask_for_each(paper, viewer, django_assert_num_queries):
    for number in range(2, 8):
        made_document(account=paper.account, kind="receipt", number=f"RC-2026-{number:06}")

    with django_assert_num_queries(2):
        assert len(viewer.get("documents/").json()["results"]) == 7


def test_page_of_invoices_does_not_ask_for_lines_of_each(django_assert_num_queries):
    SellerVersionFactory()
    first = InvoiceFactory()
    owner = Caller(MembershipFactory(account=first.account).user)
    for _ in range(5):
        issue_invoice(first.account, amount=Decimal(7), subscription=first.subscription, cause=None, method=None)

    with CaptureQueriesContext(connection) as few:
        assert len(owner.get("billing/invoices/?page_size=2").json()["results"]) == 2
    with django_assert_num_queries(len(few)):
        assert len(owner.get("billing/invoices/?page_size=6").json()["results"]) == 6


def test_invoice_says_who_bills_whom_and_what_for():
    SellerVersionFactory(tax_ids=[{"label": "EIN", "value": "00-0000000"}])
    first = InvoiceFactory()
    member = Caller(MembershipFactory(account=first.account).user)
    issued = issue_invoice(first.account, amount=Decimal(89), subscription=first.subscription, cause=None, method=None)

    row = member.get(f"billing/invoices/{issued.pk}/").json()

    assert (row["net"], row["tax"], row["total"]) == ("89.00", "0.00", "89.00")
    assert (row["seller"]["legal_name"], row["seller"]["country"]) == ("Example Software Ltd", "US")
    assert row["seller"]["tax_ids"] == [{"label": "EIN", "value": "00-0000000"}]
    assert (row["billed_to"]["name"], row["billed_to"]["city"]) == ("Demo Ltd", "Springfield")
    [line] = row["lines"]
    assert (line["quantity"], line["unit_price"], line["net"]) == ("1", "89.00", "89.00")
    assert (line["tax_rate"], line["tax_category"]) == ("0", "O")


def test_invoice_without_rows_has_one_line_of_its_own():
    invoice = InvoiceFactory()
    assert not invoice.lines.exists()

    row = Caller(MembershipFactory(account=invoice.account).user).get(f"billing/invoices/{invoice.pk}/").json()

    assert (row["net"], row["tax"], row["seller"]) == ("89.00", "0.00", None)
    assert [(line["description"], line["net"]) for line in row["lines"]] == [("Starter", "89.00")]
    assert Invoice.objects.get(pk=invoice.pk).net is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "invoice"}, ["kind"]),
        ({"kind": "statement"}, ["account", "end", "start"]),
        ({"kind": "reminder"}, ["invoice"]),
        ({"kind": "reminder", "invoice": str(uuid7())}, ["invoice"]),
        ({"kind": "reminder", "invoice": str(uuid7()), "plan": "growth"}, ["plan"]),
        ({"kind": "proforma", "account": str(uuid7()), "plan": "growth"}, ["account"]),
        ({"kind": "proforma", "account": "", "plan": "none"}, ["account"]),
        ({"kind": "proforma", "account": "own", "plan": "none"}, ["plan"]),
        ({"kind": "statement", "account": "own", "start": "1999-01-01", "end": "2026-01-01"}, ["start"]),
    ],
)
def test_wrong_request_of_staff_names_the_fields_and_writes_none(reviewer, signed, body, fields):
    body = {name: str(signed.account.pk) if value == "own" else value for name, value in body.items()}
    before = Document.objects.count()

    answer = reviewer.post("billing/admin/documents/", body)

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == fields
    assert Document.objects.count() == before


def test_paper_that_is_not_made_is_not_mailed(reviewer):
    waiting = DocumentFactory(status="waiting", missing=["seller"])
    type(waiting.account).objects.update(billing_email="bills@acme.test")

    answer = reviewer.post(f"billing/admin/documents/{waiting.pk}/send/", {})

    assert is_problem(answer, 409, "wrong-state")
