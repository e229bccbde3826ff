from __future__ import annotations

from uuid import uuid4

import pytest

from core.models import CreditNote, Invoice
from tests.api.caller import Caller
from tests.api.conftest import is_problem
from tests.factories import InvoiceFactory, MembershipFactory
from tests.workflows.refunds.conftest import overpaid, staff_who

__all__ = ["overpaid"]

pytestmark = pytest.mark.django_db
PATH = "billing/admin/credit-notes/"


def caller(*duties: str) -> Caller:
    return Caller(staff_who(*duties))


@pytest.fixture
def clerk(db) -> Caller:
    return caller("write_credit_note")


@pytest.fixture
def manager(db) -> Caller:
    return caller("write_credit_note", "issue_credit_note")


def body(of: Invoice, **change: object) -> dict[str, object]:
    return {"invoice": str(of.pk), "amount": "19.00", "reason": "Two days without service", **change}


@pytest.mark.happy("POST billing/admin/credit-notes/", "GET billing/admin/credit-notes/")
@pytest.mark.happy("GET billing/admin/credit-notes/{id}/")
def test_part_of_an_open_invoice_is_off_at_once(manager):
    invoice = InvoiceFactory()

    answer = manager.post(PATH, body(invoice))

    assert answer.status_code == 201, answer.content
    note = answer.json()
    facts = ("applied", "19.00", "0.00", "19.00", "0.00")
    assert (note["status"], note["net"], note["tax"], note["total"], note["to_balance"]) == facts
    assert [(line["position"], line["amount"]) for line in note["lines"]] == [(1, "19.00")]
    assert manager.get(f"{PATH}{note['id']}/").json() == note
    assert [row["id"] for row in manager.get(f"{PATH}?invoice={invoice.pk}&status=applied").json()["results"]] == [
        note["id"]
    ]
    owner = Caller(MembershipFactory(account=invoice.account).user)
    shown = owner.get(f"billing/invoices/{invoice.pk}/").json()
    assert (shown["credited"], shown["outstanding"], shown["total"]) == ("19.00", "70.00", "89.00")


@pytest.mark.happy("POST billing/admin/credit-notes/{id}/issue/")
def test_of_paid_money_another_person_issues_it(manager, overpaid):
    invoice = overpaid("1.00").invoice
    note = manager.post(PATH, body(invoice)).json()

    assert note["status"] == "draft"
    assert is_problem(manager.post(f"{PATH}{note['id']}/issue/"), 403, "permission-denied")
    issued = caller("issue_credit_note").post(f"{PATH}{note['id']}/issue/")

    assert (issued.status_code, issued.json()["status"], issued.json()["to_balance"]) == (200, "applied", "19.00")
    assert is_problem(caller("issue_credit_note").post(f"{PATH}{note['id']}/issue/"), 409, "wrong-state")


@pytest.mark.happy("POST billing/admin/credit-notes/{id}/cancel/")
def test_draft_is_cancelled_with_a_reason(clerk):
    note = clerk.post(PATH, body(InvoiceFactory())).json()

    assert is_problem(clerk.post(f"{PATH}{note['id']}/cancel/", {}), 400, "validation-error")
    ended = clerk.post(f"{PATH}{note['id']}/cancel/", {"ended_because": "Another invoice"})

    assert (ended.json()["status"], ended.json()["ended_because"]) == ("cancelled", "Another invoice")


def test_lines_are_named_by_their_position(manager):
    invoice = InvoiceFactory()

    answer = manager.post(
        PATH, {"invoice": str(invoice.pk), "lines": [{"position": 1, "amount": "5.00"}], "reason": "R"}
    )

    assert (answer.status_code, answer.json()["total"]) == (201, "5.00")


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "89.01"},
        {"amount": "1.001"},
        {"amount": 5},
        {"amount": None},
        {"reason": ""},
        {"reason": "x" * 201},
        {"invoice": "x"},
        {"lines": [{"position": 1, "amount": "1.00"}]},  # and an amount
        {"amount": "5.00", "more": 1},
    ],
)
def test_bad_input_is_a_clear_problem_and_changes_nothing(manager, change):
    invoice = InvoiceFactory()

    assert is_problem(manager.post(PATH, body(invoice, **change)), 400, "validation-error")

    assert CreditNote.objects.count() == 0


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [{"position": 0, "amount": "1.00"}],
        [{"position": 2, "amount": "1.00"}],
        [{"position": 1, "amount": "1.00"}, {"position": 1, "amount": "1.00"}],
        [{"position": 1}],
        "all",
        {},
    ],
)
def test_lines_that_are_none_are_a_clear_problem(manager, lines):
    invoice = InvoiceFactory()

    answer = manager.post(PATH, {"invoice": str(invoice.pk), "lines": lines, "reason": "R"})

    assert is_problem(answer, 400, "validation-error")


def test_invoice_that_is_not_there_is_a_clear_problem(manager):
    answer = manager.post(PATH, {"invoice": str(uuid4()), "amount": "1.00", "reason": "R"})

    assert is_problem(answer, 400, "validation-error")
    assert is_problem(manager.post(f"{PATH}{uuid4()}/issue/"), 404, "not-found")


def test_whole_of_an_unpaid_one_is_to_be_voided(manager):
    assert is_problem(manager.post(PATH, body(InvoiceFactory(), amount="89.00")), 409, "conflict")


def test_page_asks_the_same_however_long_it_is(manager, django_assert_max_num_queries):
    for _ in range(8):
        manager.post(PATH, body(InvoiceFactory()))

    with django_assert_max_num_queries(6):
        assert len(manager.get(PATH).json()["results"]) == 8
