from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.models import Document
from engine import perform
from tests.factories import SellerVersionFactory
from workflows.documents.alerts import reasons, warn_of_waiting_documents
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(active):
    SellerVersionFactory()
    return active()


def as_owner(table, statement):
    with connection.cursor() as cursor:
        for each in (
            f"ALTER TABLE {table} DISABLE TRIGGER USER",
            statement,
            f"ALTER TABLE {table} ENABLE TRIGGER USER",
        ):
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(each)


def test_documents_are_as_they_were_made(made, capsys):
    call_command("verify_documents", "--draw")

    assert capsys.readouterr().out == ("2 documents are as they were made, 2 drawn again, 0 of older templates left.\n")


@pytest.mark.parametrize(
    ("table", "statement", "says"),
    [
        ("core_documentfile", "UPDATE core_documentfile SET content = 'x'", "its bytes are not those"),
        ("core_document", "UPDATE core_document SET previous_sha256 = 'x' WHERE place = 2", "is another one"),
        ("core_document", "UPDATE core_document SET place = 7 WHERE place = 2", "place 7 follows 1"),
        ("core_document", 'UPDATE core_document SET data = data || \'{"title": "Other"}\'', "make other bytes"),
        ("core_documentchain", "UPDATE core_documentchain SET place = 3", "ends at 2, not at 3"),
    ],
)
def test_change_by_hand_is_found(made, capsys, table, statement, says):
    as_owner(table, statement)

    with pytest.raises(CommandError, match="findings"):
        call_command("verify_documents", "--draw")

    assert says in capsys.readouterr().out


def test_void_invoice_is_cancelled_by_a_paper_of_its_own_series(customer, controller, run_effects):
    SellerVersionFactory()
    signed = customer()

    perform(signed.invoice.void, by=controller, reason="issued twice")
    run_effects()

    paper = Document.objects.get(kind="cancellation")
    facts = {row["label"]: row["value"] for row in paper.data["facts"]}
    assert paper.status == "made"
    assert paper.number.startswith("CN-")
    assert (facts["Of invoice"], facts["Reason"]) == (signed.invoice.number, "issued twice")
    assert paper.data["totals"][-1]["value"] == "89.00 USD"
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_operators_are_told_once_why_documents_wait(customer, run_effects, mailoutbox, settings):
    settings.OPERATOR_EMAILS = ["ops@example.test"]
    customer()

    for _ in range(2):
        warn_of_waiting_documents()
        run_effects()

    told = [mail for mail in mailoutbox if mail.extra_headers["X-Countersign-Kind"] == "documents_wait"]
    assert [mail.subject for mail in told] == ["Documents wait: the company is not named"]
    assert "/desk/settings/company/" in told[0].body
    assert [(reason.kind, reason.count) for reason in reasons()] == [("seller", 1)]


def test_operators_are_told_of_a_country_without_a_tax_rule(customer):
    SellerVersionFactory(country="DE")
    customer()

    assert [(reason.kind, reason.detail, reason.count) for reason in reasons()] == [("tax_rule", "US", 1)]
