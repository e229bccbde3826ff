from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.caller import Caller
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PaymentMethodFactory, StaffFactory
from tests.workflows.bank.statement_files import Row, camt

pytestmark = pytest.mark.django_db
MARCH = ("2026-03-01", "2026-03-31")


@pytest.fixture
def claims(bank_account):
    return [
        PaymentFactory(
            invoice=InvoiceFactory(currency="EUR"),
            method=PaymentMethodFactory(code="sepa"),
            currency="EUR",
            reference=f"CLAIM{number}",
            reference_key=f"CLAIM{number}",
            paid_on=date(2026, 3, 2),
        )
        for number in range(4)
    ]


def of(caller, path="billing/admin/payments/?ordering=created_at"):
    return [row["bank_evidence"] for row in caller.get(path).json()["results"]]


def test_staff_see_what_the_bank_says_of_each_claim(claims, imported):
    staff = Caller(StaffFactory())
    assert of(staff) == ["no_statement_yet"] * 4

    imported(camt(Row("89.00", claims[1].invoice.payment_reference), days=MARCH))

    assert of(staff) == ["not_on_statement", "on_statement", "not_on_statement", "not_on_statement"]
    row = staff.get(f"billing/payments/{claims[1].pk}/").json()
    assert row["bank_evidence"] == "on_statement"


def test_customer_sees_a_line_once_it_was_matched(claims, imported, bookkeeper, run_effects):
    customer = Caller(MembershipFactory(account=claims[1].account, role="admin").user)
    imported(camt(Row("89.00", claims[1].invoice.payment_reference), days=MARCH))
    path = f"billing/payments/{claims[1].pk}/"
    assert customer.get(path).json()["bank_evidence"] is None  # or guessed references could be tried

    [line] = bookkeeper.get("billing/admin/bank-lines/").json()["results"]
    body = {"payments": [{"payment": str(claims[1].pk), "amount": "89.00"}]}
    assert bookkeeper.post(f"billing/admin/bank-lines/{line['id']}/match/", body).status_code == 200
    run_effects()

    assert customer.get(path).json()["bank_evidence"] == "on_statement"
    assert of(customer, "billing/payments/") == ["on_statement"]


def test_answer_to_a_decision_does_not_look_it_up(claims):
    answer = Caller(StaffFactory()).post(f"billing/admin/payments/{claims[0].pk}/approve/")

    assert (answer.status_code, answer.json()["bank_evidence"]) == (202, None)


def test_page_of_payments_asks_the_bank_as_often_as_one(claims, imported, django_assert_num_queries):
    staff = Caller(StaffFactory())
    imported(camt(Row("89.00", claims[1].invoice.payment_reference), days=MARCH))

    with CaptureQueriesContext(connection) as one:
        assert len(of(staff, "billing/admin/payments/?page_size=1")) == 1
    with django_assert_num_queries(len(one)):
        assert len(of(staff, "billing/admin/payments/?page_size=4")) == 4
