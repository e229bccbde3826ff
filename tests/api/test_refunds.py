from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import Refund
from tests.api.caller import Caller
from tests.api.conftest import is_problem
from tests.factories import AccountFactory
from tests.workflows.bank.statement_files import OTHER_IBAN, Row, camt
from tests.workflows.refunds.conftest import bank_account, overpaid, staff_who

__all__ = ["bank_account", "overpaid"]

pytestmark = pytest.mark.django_db
PATH = "billing/admin/refunds/"


def caller(*duties: str) -> Caller:
    return Caller(staff_who(*duties))


@pytest.fixture
def clerk(db) -> Caller:
    return caller("request_refund", "import_statements", "match_lines")


@pytest.fixture
def manager(db) -> Caller:
    return caller("approve_refund")


@pytest.fixture
def body(overpaid, bank_account):
    return {
        "account": str(overpaid("40.00").account_id),
        "amount": "25.00",
        "currency": "EUR",
        "reason": "overpaid",
        "payee_name": "Ann Example",
        "payee_account": "DE02 1203 0000 0000 2020 51",
        "bank_account": str(bank_account.pk),
        "note": "Asked by phone",
    }


@pytest.mark.happy("POST billing/admin/refunds/", "GET billing/admin/refunds/", "GET billing/admin/refunds/{id}/")
@pytest.mark.happy("POST billing/admin/refunds/{id}/approve/", "POST billing/admin/refunds/{id}/sent/")
def test_refund_is_requested_approved_by_another_and_sent(clerk, manager, body):
    answer = clerk.post(PATH, body)
    assert answer.status_code == 201, answer.content
    refund = answer.json()
    assert (refund["status"], refund["amount"], refund["payee_account"]) == ("requested", "25.00", OTHER_IBAN)
    assert is_problem(clerk.post(f"{PATH}{refund['id']}/approve/"), 403, "permission-denied")

    approved = manager.post(f"{PATH}{refund['id']}/approve/")
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    sent = clerk.post(f"{PATH}{refund['id']}/sent/", {"sent_on": "2026-03-03"})

    assert (sent.json()["status"], sent.json()["sent_on"]) == ("sent", "2026-03-03")
    assert clerk.get(f"{PATH}?status=sent").json()["results"] == [sent.json()]
    assert clerk.get(f"{PATH}{refund['id']}/").json() == sent.json()
    assert clerk.get(f"{PATH}?status=requested").json()["results"] == []


@pytest.mark.happy("POST billing/admin/refunds/{id}/settled/")
def test_refund_by_hand_is_settled_without_a_statement(clerk, manager, body):
    by_hand = {key: value for key, value in body.items() if key not in ("bank_account", "payee_account")}
    refund = clerk.post(PATH, by_hand).json()
    assert is_problem(clerk.post(f"{PATH}{refund['id']}/settled/"), 409, "wrong-state")
    manager.post(f"{PATH}{refund['id']}/approve/")
    clerk.post(f"{PATH}{refund['id']}/sent/")

    settled = clerk.post(f"{PATH}{refund['id']}/settled/")

    assert (settled.json()["status"], settled.json()["bank_line"]) == ("settled", None)


@pytest.mark.happy("GET billing/admin/refunds/payout-file/")
def test_payout_file_is_fetched_as_xml_and_as_a_table(clerk, manager, body, bank_account):
    refund = clerk.post(PATH, body).json()
    manager.post(f"{PATH}{refund['id']}/approve/")

    xml = clerk.get(f"{PATH}payout-file/?format=pain001&bank_account={bank_account.pk}")
    table = clerk.get(f"{PATH}payout-file/?format=csv")

    assert (xml.status_code, xml["Content-Type"]) == (200, "application/xml")
    assert refund["reference"].encode() in xml.content
    assert table["Content-Type"] == "text/csv; charset=utf-8"
    assert table.content.decode().splitlines()[1].startswith(f"{refund['reference']},Ann Example,{OTHER_IBAN},,25.00,")
    assert is_problem(clerk.get(f"{PATH}payout-file/?format=pain001"), 400, "validation-error")
    assert clerk.get(f"{PATH}payout-file/").content == table.content
    assert is_problem(clerk.get(f"{PATH}payout-file/?format=xlsx"), 400, "validation-error")


@pytest.mark.happy("POST billing/admin/refunds/{id}/fail/", "POST billing/admin/refunds/{id}/cancel/")
def test_refund_is_cancelled_before_it_is_sent_and_fails_after(clerk, manager, body, run_effects):
    first = clerk.post(PATH, body).json()
    assert is_problem(clerk.post(f"{PATH}{first['id']}/cancel/"), 400, "validation-error")
    assert clerk.post(f"{PATH}{first['id']}/cancel/", {"ended_because": "wrong"}).json()["status"] == "cancelled"
    run_effects()
    second = clerk.post(PATH, body).json()
    assert is_problem(clerk.post(f"{PATH}{second['id']}/fail/", {"ended_because": "x"}), 409, "wrong-state")
    manager.post(f"{PATH}{second['id']}/approve/")
    clerk.post(f"{PATH}{second['id']}/sent/")

    failed = clerk.post(f"{PATH}{second['id']}/fail/", {"ended_because": "Account closed"})

    assert (failed.json()["status"], failed.json()["ended_because"]) == ("failed", "Account closed")


def test_payout_file_of_nothing_is_a_conflict(clerk, bank_account):
    answer = clerk.get(f"{PATH}payout-file/?format=pain001&bank_account={bank_account.pk}")

    assert is_problem(answer, 409, "conflict")


def test_line_of_the_bank_settles_it(clerk, manager, body, run_effects):
    refund = clerk.post(PATH, body).json()
    manager.post(f"{PATH}{refund['id']}/approve/")
    sent = clerk.post_form(
        "billing/admin/statements/", {"file": SimpleUploadedFile("a.xml", camt(Row("-25.00", refund["reference"])))}
    )
    assert sent.status_code == 202, sent.content
    run_effects()
    [line] = clerk.get("billing/admin/bank-lines/").json()["results"]

    wrong = {"payments": [{"refund": refund["id"], "amount": "24.00"}]}
    assert is_problem(clerk.post(f"billing/admin/bank-lines/{line['id']}/match/", wrong), 400, "validation-error")
    right = {"payments": [{"refund": refund["id"], "amount": "25.00"}]}
    matched = clerk.post(f"billing/admin/bank-lines/{line['id']}/match/", right)

    assert matched.status_code == 200, matched.content
    assert (matched.json()["refunds"], matched.json()["open_amount"]) == ([refund["id"]], "0.00")
    assert clerk.get(f"{PATH}{refund['id']}/").json()["bank_line"] == line["id"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "40.01"}, "amount"),
        ({"currency": "USD"}, "bank_account"),
        ({"account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}, "account"),
        ({"bank_account": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10"}, "bank_account"),
        ({"payee_account": "DE00120300000000202051"}, "payee_account"),
        ({"payee_name": "@SUM"}, "payee_name"),
        ({"reason": "because"}, "reason"),
    ],
)
def test_request_that_names_what_is_wrong(clerk, body, change, field):
    answer = clerk.post(PATH, {**body, **change})

    assert is_problem(answer, 400, "validation-error")
    assert list(answer.json()["errors"]) == [field]
    assert not Refund.objects.exists()


def test_staff_with_another_duty_see_nothing(body):
    other = caller("review_payment")

    assert is_problem(other.get(PATH), 403, "permission-denied")
    assert is_problem(other.post(PATH, body), 403, "permission-denied")


def test_nothing_is_refunded_of_an_account_without_a_balance(clerk, body):
    answer = clerk.post(PATH, {**body, "account": str(AccountFactory().pk)})

    assert answer.json()["errors"] == {"amount": ["The balance is 0.00 EUR: no more can go back."]}
