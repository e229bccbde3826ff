from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.payments import PaymentOut
from core.models import BalanceEntry, Payment
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, StaffFactory, UserFactory
from tests.workflows.bank.statement_files import Row, camt

pytestmark = pytest.mark.django_db


@pytest.fixture
def payments():
    """Of one account: some in review, one refused."""
    made = [PaymentFactory(reference="TRACE 0", paid_on=date(2026, 5, 3), payer_name="Zoë")]
    for n in range(1, 4):
        made.append(PaymentFactory(invoice=made[0].invoice, reference=f"TRACE {n}", reference_key=f"TRACE{n}"))
    perform(made[1].reject, by=StaffFactory(), reason_code="other", admin_notes="Nothing came.")
    return made


@pytest.fixture
def owner(payments):
    return MembershipFactory(account=payments[0].account, role="owner").user


@pytest.mark.parametrize("path", ["billing/payments/", "billing/payments/?status=pending_approval&page_size=2"])
def test_page_of_own_payments_takes_four_queries(owner, path, django_assert_num_queries):
    caller = Caller(owner)
    caller.get(path)

    with django_assert_num_queries(4):  # the last: which of them a bank line stands for
        assert len(caller.get(path).json()["results"]) >= 2


def test_a_page_of_all_payments_is_who_asks_what_they_may_the_page_and_the_bank(payments, django_assert_num_queries):
    staff = Caller(StaffFactory())

    with django_assert_num_queries(5):
        assert len(staff.get("billing/admin/payments/").json()["results"]) == 4


def test_page_of_bank_lines_does_not_ask_for_each(bookkeeper, imported, django_assert_num_queries):
    invoices = [InvoiceFactory(currency="EUR") for _ in range(12)]
    imported(camt(*(Row("89.00", invoice.payment_reference) for invoice in invoices)))

    with CaptureQueriesContext(connection) as few:
        assert len(bookkeeper.get("billing/admin/bank-lines/?page_size=3").json()["results"]) == 3
    with django_assert_num_queries(len(few)):
        assert len(bookkeeper.get("billing/admin/bank-lines/?page_size=12").json()["results"]) == 12
    assert len(few) <= 10


def test_page_of_statements_does_not_ask_for_each(bookkeeper, imported, django_assert_num_queries):
    for number in range(6):
        imported(camt(Row("1.00", f"{number}"), opening=f"{number}.00"))

    with CaptureQueriesContext(connection) as few:
        assert len(bookkeeper.get("billing/admin/statements/?page_size=2").json()["results"]) == 2
    with django_assert_num_queries(len(few)):
        assert len(bookkeeper.get("billing/admin/statements/?page_size=6").json()["results"]) == 6
    assert len(few) <= 5


def test_a_page_shows_what_was_asked_for_in_its_order(payments):
    staff = Caller(StaffFactory())
    wanted = [str(each.pk) for each in payments if each.pk != payments[1].pk]

    def keys(query: str) -> list[str]:
        return [row["id"] for row in staff.get(f"billing/admin/payments/?{query}").json()["results"]]

    assert keys("status=pending_approval&ordering=created_at") == wanted
    assert keys("status=pending_approval") == wanted[::-1]
    assert keys("status=reversed") == []
    assert keys("search=trace 3") == [str(payments[3].pk)]


def test_pages_lead_to_the_next_and_back(payments):
    staff = Caller(StaffFactory())
    keys = [str(each.pk) for each in payments][::-1]

    first = staff.get("billing/admin/payments/?page_size=3").json()
    second = staff.get("billing/admin/payments/?" + first["next"].partition("?")[2]).json()
    back = staff.get("billing/admin/payments/?" + second["previous"].partition("?")[2]).json()

    assert [row["id"] for row in first["results"] + second["results"]] == keys
    assert back["results"] == first["results"]


def test_a_customer_s_page_reads_no_more_of_a_long_history(owner, payments):
    """Whatever lies behind the newest: the plan walks along an index that begins with the account."""
    with CaptureQueriesContext(connection) as asked:
        Caller(owner).get("billing/payments/")
    [page] = [query["sql"] for query in asked if 'FROM "core_payment"' in query["sql"]]

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {page}")
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert re.search(r"Scan Backward using payment_of_account|Scan using payment_by_account", plan), plan


def test_staff_see_every_field_and_customers_the_notes_of_a_rejection_only(payments, owner):
    for reader, hidden in (
        (StaffFactory(), set()),
        (owner, {"admin_notes", "has_unusual_reference"}),
        (UserFactory(), {"admin_notes", "has_unusual_reference"}),
    ):
        row = PaymentOut(context={"request": SimpleNamespace(user=reader)})
        for payment in Payment.objects.all():
            without = hidden - ({"admin_notes"} if payment.status == "failed" else set())

            assert set(row.fields) - set(row.to_representation(payment)) == without


def test_an_empty_column_is_null(payments, owner):
    row = PaymentOut(context={"request": SimpleNamespace(user=owner)}).to_representation(payments[2])

    assert (row["amount_received"], row["value_date"], row["retry_of"]) == (None, None, None)


def test_balance_takes_two_queries(owner, django_assert_num_queries):
    caller = Caller(owner)
    assert caller.get("billing/balance/").json() == {"balances": []}
    for currency, amount in (("USD", "12.00"), ("EUR", "5.00"), ("USD", "-2.00"), ("JPY", "7"), ("JPY", "-7")):
        BalanceEntry.objects.create(
            account=owner.membership.account, currency=currency, amount=Decimal(amount), key=f"{currency} {amount}"
        )
    BalanceEntry.objects.create(account=PaymentFactory().account, currency="USD", amount=Decimal(100), key="another's")

    with django_assert_num_queries(2):
        answer = caller.get("billing/balance/")

    assert answer.json() == {
        "balances": [{"currency": "EUR", "amount": "5.00"}, {"currency": "USD", "amount": "10.00"}]
    }


def test_user_without_an_account_has_no_balance(anybody):
    assert is_problem(Caller(StaffFactory()).get("billing/balance/"), 404, "not-found")


def test_a_claim_is_few_statements(owner, payments, django_assert_num_queries):
    caller = Caller(owner)
    perform(payments[3].withdraw, by=owner)  # three of one invoice are as many as wait
    body = {"invoice_id": str(payments[0].invoice_id), "payment_method": payments[0].method.code, "amount": "89.00"}

    with django_assert_num_queries(13):  # how many of the invoice and the account wait is one, the day's count another
        answer = caller.post("billing/admin/payments/confirm/", body | {"manual_reference": "TRACE 9"})

    assert answer.status_code == 201
    assert answer.json()["retry_of"] == str(payments[1].pk)


def test_an_approval_is_few_statements(payments, django_assert_num_queries):
    staff = Caller(StaffFactory())

    with django_assert_num_queries(4):  # who, their rights, the payment, the decision
        answer = staff.post(f"billing/admin/payments/{payments[0].pk}/approve/")

    assert answer.status_code == 202
