from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic
from django.test.utils import CaptureQueriesContext

from core.models import BankAccount
from tests.api.caller import staff
from tests.api.conftest import is_problem
from tests.factories import PaymentMethodFactory
from tests.workflows.bank.statement_files import IBAN, Row, camt

pytestmark = pytest.mark.django_db
PATH = "billing/admin/bank-accounts/"


@pytest.mark.happy("GET billing/admin/bank-accounts/", "GET billing/admin/bank-accounts/{id}/")
@pytest.mark.happy("POST billing/admin/bank-accounts/", "PATCH billing/admin/bank-accounts/{id}/")
def test_bank_account_is_added_and_changed(bookkeeper):
    PaymentMethodFactory(code="sepa", currency="EUR")
    body = {"name": "Main", "iban": "DE02 1001 0010 0006 8201 01", "currency": "EUR", "payment_methods": ["sepa"]}
    added = bookkeeper.post(PATH, body)
    assert added.status_code == 201, added.content
    row = added.json()
    assert (row["iban"], row["automatic"], row["payment_methods"]) == (IBAN, False, ["sepa"])

    rules = ["claim and amount"]
    body = {"automatic": True, "automatic_limit": "500.00", "rules_by_hand": rules}
    changed = bookkeeper.patch(f"{PATH}{row['id']}/", body)

    assert changed.status_code == 200, changed.content
    assert (changed.json()["automatic"], changed.json()["automatic_limit"]) == (True, "500.00")
    assert changed.json()["rules_by_hand"] == rules
    assert bookkeeper.get(f"{PATH}{row['id']}/").json() == changed.json()
    assert [one["name"] for one in bookkeeper.get(PATH).json()["results"]] == ["Main"]


def test_second_account_of_that_name_or_number_is_a_conflict(bookkeeper, bank_account):
    body = {"name": "Other", "iban": IBAN, "currency": "EUR"}

    assert is_problem(bookkeeper.post(PATH, body), 409, "conflict")
    assert is_problem(bookkeeper.post(PATH, {"name": "Main", "number": "1", "currency": "EUR"}), 409, "conflict")
    assert bookkeeper.post(PATH, body | {"currency": "USD"}).status_code == 201  # one IBAN for each currency


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"iban": "DE00100100100006820101"}, "iban"),
        ({"iban": ""}, "iban"),
        ({"number": "\u00df" * 34}, "number"),  # in capitals twice as long
        ({"bank": "\u0661" * 20}, "bank"),
        ({"currency": "XXX"}, "currency"),
        ({"payment_methods": ["none"]}, "payment_methods"),
        ({"automatic": True}, "automatic_limit"),
        ({"rules_by_hand": ["amount alone"]}, "rules_by_hand"),
        ({"rules_by_hand": ["claim and amount", "claim and amount"]}, "rules_by_hand"),
        ({"automatic_limit": "1.001"}, "automatic_limit"),
    ],
)
def test_wrong_bank_account_is_refused_by_field(bookkeeper, wrong, field):
    answer = bookkeeper.post(PATH, {"name": "Main", "iban": IBAN, "currency": "EUR", **wrong})

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert not BankAccount.objects.exists()


@pytest.mark.parametrize("change", [{"automatic": True, "automatic_limit": "5.00"}, {"automatic_limit": "5.00"}])
def test_only_those_who_approve_switch_automatic_matches_on(bank_account, digest, change):
    clerk = staff("import_statements")
    clerk.user.user_permissions.remove(*clerk.user.user_permissions.filter(codename="approve_payment"))
    before = digest()

    assert is_problem(clerk.patch(f"{PATH}{bank_account.pk}/", change), 403, "permission-denied")
    assert digest() == before
    assert clerk.patch(f"{PATH}{bank_account.pk}/", {"name": "Second"}).status_code == 200


def test_currency_of_a_bank_account_stays(bookkeeper):
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")

    answer = bookkeeper.patch(f"{PATH}{account.pk}/", {"currency": "USD"})

    assert is_problem(answer, 400, "validation-error")
    with pytest.raises(IntegrityError, match="currency is frozen"), atomic():
        BankAccount.objects.update(currency="USD")


def test_bank_account_says_where_its_statements_do_not_follow(bookkeeper, bank_account, imported):
    imported(camt(Row("5.00", "one"), days=("2026-03-02", "2026-03-04")))
    imported(camt(Row("5.00", "two", day="2026-03-06"), opening="150.00", days=("2026-03-06", "2026-03-06")))
    files = [row["id"] for row in bookkeeper.get("billing/admin/statements/?ordering=created_at").json()["results"]]

    [row] = bookkeeper.get(PATH).json()["results"]

    assert row["continuity"] == [
        {
            "kind": "gap",
            "before": files[0],
            "closes_on": "2026-03-04",
            "closing_balance": "105.00",
            "after": files[1],
            "opens_on": "2026-03-06",
            "opening_balance": "150.00",
        }
    ]
    assert bookkeeper.get(f"{PATH}{bank_account.pk}/").json() == row


def test_page_of_bank_accounts_does_not_ask_for_each(bookkeeper, bank_account, django_assert_num_queries):
    for number in range(4):
        BankAccount.objects.create(name=f"Bank {number}", number=f"12345{number}", currency="EUR")

    with CaptureQueriesContext(connection) as few:
        assert len(bookkeeper.get(f"{PATH}?page_size=1").json()["results"]) == 1
    with django_assert_num_queries(len(few)):
        assert len(bookkeeper.get(f"{PATH}?page_size=5").json()["results"]) == 5
