from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection

from core.models import LinePayment, Payment, StatementLine
from engine import perform
from tests.api.conftest import is_problem
from tests.factories import AccountFactory, InvoiceFactory, PaymentFactory, StaffFactory
from tests.workflows.bank.statement_files import Row, camt

pytestmark = pytest.mark.django_db
PATH = "billing/admin/bank-lines/"


@pytest.mark.happy("GET billing/admin/bank-lines/", "GET billing/admin/bank-lines/{id}/")
@pytest.mark.happy("POST billing/admin/bank-lines/{id}/match/")
def test_line_is_listed_with_suggestions_and_matched(bookkeeper, imported, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    imported(camt(Row("89.00", invoice.payment_reference, payer="Ann")))

    [line] = bookkeeper.get(f"{PATH}?status=suggested&q=ann").json()["results"]
    [suggestion] = line["suggestions"]
    assert (suggestion["invoice"], suggestion["rule"]) == (str(invoice.pk), "reference and amount")
    assert (line["open_amount"], line["payments"]) == ("89.00", [])
    assert bookkeeper.get(f"{PATH}{line['id']}/").json() == line
    body = {"payments": [{"invoice": suggestion["invoice"], "amount": "89.00"}]}
    matched = bookkeeper.post(f"{PATH}{line['id']}/match/", body)
    assert matched.status_code == 200, matched.content
    assert (matched.json()["status"], matched.json()["open_amount"], matched.json()["suggestions"]) == (
        "matched", "0.00", [],
    )  # fmt: skip
    run_effects()
    assert Payment.objects.get().status == "succeeded"
    assert is_problem(bookkeeper.post(f"{PATH}{line['id']}/match/", body), 409, "wrong-state")
    assert is_problem(bookkeeper.post(f"{PATH}{line['id']}/unmatch/"), 409, "conflict")


@pytest.mark.happy("POST billing/admin/bank-lines/{id}/unmatch/")
def test_match_that_is_evidence_alone_is_taken_back(bookkeeper, imported, run_effects):
    claim = PaymentFactory(invoice=InvoiceFactory(currency="EUR"), currency="EUR")
    perform(claim.approve, by=StaffFactory())
    run_effects()
    imported(camt(Row("89.00")))
    line = StatementLine.objects.get()
    body = {"payments": [{"payment": str(claim.pk), "amount": "89.00"}]}
    assert bookkeeper.post(f"{PATH}{line.pk}/match/", body).json()["payments"] != []

    answer = bookkeeper.post(f"{PATH}{line.pk}/unmatch/")

    assert (answer.status_code, answer.json()["status"], answer.json()["payments"]) == (200, "open", [])
    claim.refresh_from_db()
    assert claim.status == "succeeded"


@pytest.mark.happy("POST billing/admin/bank-lines/{id}/ignore/")
def test_line_is_ignored_with_a_reason(bookkeeper, imported):
    imported(camt(Row("-1.00", "fee")))
    line = StatementLine.objects.get()

    assert is_problem(bookkeeper.post(f"{PATH}{line.pk}/ignore/"), 400, "validation-error")
    ignored = bookkeeper.post(f"{PATH}{line.pk}/ignore/", {"reason": "fee"})

    assert (ignored.json()["status"], ignored.json()["ignored_because"]) == ("ignored", "fee")


@pytest.mark.happy("POST billing/admin/bank-lines/{id}/return/")
def test_return_reverses_what_the_bank_took_back(bookkeeper, imported, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    imported(camt(Row("89.00", invoice.payment_reference), Row("-89.00", "back", is_return=True)))
    money_in, back = StatementLine.objects.order_by("row")
    bookkeeper.post(f"{PATH}{money_in.pk}/match/", {"payments": [{"invoice": str(invoice.pk), "amount": "89.00"}]})
    run_effects()

    answer = bookkeeper.post(f"{PATH}{back.pk}/return/", {"payment": str(Payment.objects.get().pk)})

    assert (answer.status_code, answer.json()["status"]) == (200, "returned")
    assert Payment.objects.get().status == "reversed"


def test_line_is_credited_to_an_account(bookkeeper, imported, run_effects):
    account = AccountFactory()
    imported(camt(Row("50.00", "for later")))
    line = StatementLine.objects.get()
    body = {"payments": [{"account": str(account.pk), "amount": "50.00"}]}

    matched = bookkeeper.post(f"{PATH}{line.pk}/match/", body)
    run_effects()

    assert (matched.status_code, matched.json()["status"], matched.json()["open_amount"]) == (200, "matched", "0.00")
    shown = bookkeeper.get(f"billing/payments/{Payment.objects.get().pk}/").json()
    assert (shown["invoice_id"], shown["invoice_number"], shown["status"]) == (None, None, "succeeded")
    with connection.cursor() as cursor:
        cursor.execute("SELECT invoice_id, account_id, received FROM audit.payments")
        assert cursor.fetchall() == [(None, account.pk, Decimal("50.00"))]


def test_claim_in_another_currency_is_rejected_and_credited(bookkeeper, imported, run_effects):
    claim = PaymentFactory()
    imported(camt(Row("80.00")))
    line = StatementLine.objects.get()
    part = {"payment": str(claim.pk), "amount": "80.00"}

    assert is_problem(bookkeeper.post(f"{PATH}{line.pk}/match/", {"payments": [part]}), 400, "validation-error")
    matched = bookkeeper.post(f"{PATH}{line.pk}/match/", {"payments": [part | {"wrong_currency": True}]})
    run_effects()

    assert (matched.status_code, matched.json()["status"]) == (200, "matched")
    assert bookkeeper.get(f"billing/payments/{claim.pk}/").json()["reason_code"] == "wrong_currency"
    instead = bookkeeper.get(f"billing/payments/{matched.json()['payments'][0]['payment']}/").json()
    assert (instead["currency"], instead["invoice_id"], instead["retry_of"]) == ("EUR", None, str(claim.pk))


def test_part_of_a_payment_is_returned_and_reversed(bookkeeper, imported, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    imported(camt(Row("89.00", invoice.payment_reference), Row("-40.00", "back", is_return=True)))
    money_in, back = StatementLine.objects.order_by("row")
    bookkeeper.post(f"{PATH}{money_in.pk}/match/", {"payments": [{"invoice": str(invoice.pk), "amount": "89.00"}]})
    run_effects()
    payment = Payment.objects.get()

    without = bookkeeper.post(f"{PATH}{back.pk}/return/", {"payment": str(payment.pk)})
    assert is_problem(without, 400, "validation-error")
    answer = bookkeeper.post(f"{PATH}{back.pk}/return/", {"payment": str(payment.pk), "amount": "40.00"})
    run_effects()

    assert (answer.status_code, answer.json()["status"], answer.json()["open_amount"]) == (200, "returned", "0.00")
    reversing = f"billing/admin/payments/{payment.pk}/reverse/"
    assert is_problem(bookkeeper.post(reversing, {"reason": "bounced", "amount": "49.01"}), 400, "validation-error")
    again = bookkeeper.post(reversing, {"reason": "bounced", "amount": "9.00"}).json()
    assert (again["status"], again["amount_received"], again["amount_returned"]) == ("succeeded", "89.00", "49.00")
    with connection.cursor() as cursor:
        cursor.execute("SELECT received, returned FROM audit.payments")
        assert cursor.fetchall() == [(Decimal("89.00"), Decimal("49.00"))]


@pytest.mark.parametrize(
    "payments",
    [
        [],
        [{"amount": "1.00"}],
        [{"payment": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "1.00"}],
        [{"invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "1.00"}],
        [{"invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "x"}],
        [{"account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "1.00"}],
        [
            {
                "account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10",
                "invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10",
                "amount": "1.00",
            }
        ],
    ],
)
def test_wrong_match_changes_nothing(bookkeeper, imported, payments):
    imported(camt(Row("89.00")))

    answer = bookkeeper.post(f"{PATH}{StatementLine.objects.get().pk}/match/", {"payments": payments})

    assert is_problem(answer, 400, "validation-error")
    assert not LinePayment.objects.exists()


@pytest.mark.parametrize("query", ["amount_min=10.00", "amount_max=10.00", "q=rent", "q=DE02120300000000202051"])
def test_lines_are_found_by_amount_and_words(bookkeeper, imported, query):
    imported(camt(
        Row("89.00", "rent") if "min" not in query and "max" not in query else Row("5.00", "rent"),
        Row("20.00", "other", payer_iban="DE02120300000000202051"),
    ))  # fmt: skip
    expected = {"amount_min=10.00": "other", "amount_max=10.00": "rent", "q=rent": "rent"}.get(query, "other")

    assert [row["text"] for row in bookkeeper.get(f"{PATH}?{query}").json()["results"]] == [expected]
