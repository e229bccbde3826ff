from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile

from core.models import BankAccount, LinePayment, Payment, StatementFile, StatementLine
from core.models.user import STAFF_PERMISSIONS
from tests.api.conftest import BASE, Caller, is_problem
from tests.factories import InvoiceFactory, PaymentMethodFactory, UserFactory
from tests.workflows.bank.statement_files import IBAN, Row, camt

pytestmark = pytest.mark.django_db


@pytest.fixture
def bookkeeper(db):
    person = UserFactory(is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS)
    )
    return Caller(person)


@pytest.fixture
def bank_account(db):
    account = BankAccount.objects.create(name="Main", iban=IBAN, currency="EUR")
    account.payment_methods.add(PaymentMethodFactory(code="sepa", currency="EUR"))
    return account


def upload(caller, content, **fields):
    headers = fields.pop("headers", {})
    form = {"file": SimpleUploadedFile("statement.xml", content), **fields}
    return caller._checked(
        caller.client.post(f"{BASE}billing/admin/statements/", form, format="multipart", headers=headers)
    )


def test_bank_account_is_added_and_changed(bookkeeper):
    PaymentMethodFactory(code="sepa", currency="EUR")
    body = {"name": "Main", "iban": "DE02 1001 0010 0006 8201 01", "currency": "EUR", "payment_methods": ["sepa"]}
    added = bookkeeper.post("billing/admin/bank-accounts/", body)
    assert added.status_code == 201, added.content
    row = added.json()
    assert (row["iban"], row["automatic"], row["payment_methods"]) == (IBAN, False, ["sepa"])

    address = f"{BASE}billing/admin/bank-accounts/{row['id']}/"
    changed = bookkeeper._checked(
        bookkeeper.client.patch(address, {"automatic": True, "automatic_limit": "500.00"}, format="json")
    )

    assert changed.status_code == 200, changed.content
    assert (changed.json()["automatic"], changed.json()["automatic_limit"]) == (True, "500.00")
    assert is_problem(bookkeeper.post("billing/admin/bank-accounts/", body), 409, "conflict")
    assert [one["name"] for one in bookkeeper.get("billing/admin/bank-accounts/").json()["results"]] == ["Main"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"iban": "DE00100100100006820101"}, "iban"),
        ({"iban": ""}, "iban"),
        ({"currency": "XXX"}, "currency"),
        ({"payment_methods": ["none"]}, "payment_methods"),
        ({"automatic": True}, "automatic_limit"),
        ({"automatic_limit": "1.001"}, "automatic_limit"),
    ],
)
def test_wrong_bank_account_is_refused_by_field(bookkeeper, wrong, field):
    answer = bookkeeper.post("billing/admin/bank-accounts/", {"name": "Main", "iban": IBAN, "currency": "EUR", **wrong})

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert not BankAccount.objects.exists()


def test_file_is_taken_and_read_by_a_worker(bookkeeper, bank_account, run_effects):
    taken = upload(bookkeeper, camt(Row("89.00", "one"), Row("-1.00", "fee")))
    assert taken.status_code == 202, taken.content
    assert (taken.json()["status"], taken.json()["duplicate"]) == ("queued", False)
    run_effects()

    file = bookkeeper.get(f"billing/admin/statements/{taken.json()['id']}/").json()
    assert (file["status"], file["adds_up"], file["closing_balance"]) == ("imported", True, "188.00")
    assert file["lines"] == {"total": 2, "new": 2, "known": 0, "pending": 0}
    assert (file["credits"], file["debits"], file["bank_account"]) == ("89.00", "1.00", str(bank_account.pk))
    assert len(file["parts"]) == 1
    assert [one["id"] for one in bookkeeper.get("billing/admin/statements/").json()["results"]] == [file["id"]]
    again = upload(bookkeeper, camt(Row("89.00", "one"), Row("-1.00", "fee")))
    assert (again.status_code, again.json()["id"], again.json()["duplicate"]) == (200, file["id"], True)


def test_upload_is_repeated_under_its_key(bookkeeper, bank_account):
    content = camt(Row("89.00", "one"))
    first = upload(bookkeeper, content, headers={"Idempotency-Key": "a"})
    again = upload(bookkeeper, content, headers={"Idempotency-Key": "a"})
    other = upload(bookkeeper, camt(Row("1.00")), headers={"Idempotency-Key": "a"})

    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (202, 202, "true")
    assert again.json() == first.json()
    assert is_problem(other, 422, "idempotency-key-reused")
    assert StatementFile.objects.count() == 1


def test_refused_file_says_row_and_why(bookkeeper, bank_account, run_effects):
    broken = camt(Row("89.00"), Row("1.00")).replace(b">1.00<", b">1.x<")
    taken = upload(bookkeeper, broken)
    run_effects()

    file = bookkeeper.get(f"billing/admin/statements/{taken.json()['id']}/").json()
    assert (file["status"], file["error"]["row"], file["parts"]) == ("refused", 2, [])


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"file": SimpleUploadedFile("x", b"what is this")}, "file"),
        ({"file": SimpleUploadedFile("x", b"")}, "file"),
        ({"file": "no file"}, "file"),
        ({}, "file"),
        ({"file": SimpleUploadedFile("x", camt(Row("1.00"))), "bank_account": "none"}, "bank_account"),
        ({"file": SimpleUploadedFile("x", camt(Row("1.00"))), "profile": "[]"}, "profile"),
        ({"file": SimpleUploadedFile("x", camt(Row("1.00"))), "more": "1"}, "more"),
    ],
)
def test_wrong_upload_is_refused_by_field(bookkeeper, bank_account, form, field):
    answer = bookkeeper._checked(bookkeeper.client.post(f"{BASE}billing/admin/statements/", form, format="multipart"))

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert not StatementFile.objects.exists()


def test_upload_above_20_mb_and_json_are_refused(bookkeeper, bank_account):
    assert is_problem(upload(bookkeeper, b"x" * (20 * 1024 * 1024 + 70_000)), 413, "payload-too-large")
    assert is_problem(bookkeeper.post("billing/admin/statements/", {"file": "x"}), 415, "unsupported-media-type")


def test_line_is_listed_with_suggestions_and_matched(bookkeeper, bank_account, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    upload(bookkeeper, camt(Row("89.00", invoice.payment_reference, payer="Ann")))
    run_effects()

    [line] = bookkeeper.get("billing/admin/bank-lines/?status=suggested&q=ann").json()["results"]
    [suggestion] = line["suggestions"]
    assert (suggestion["invoice"], suggestion["rule"]) == (str(invoice.pk), "reference and amount")
    assert (line["open_amount"], line["payments"]) == ("89.00", [])
    body = {"payments": [{"invoice": suggestion["invoice"], "amount": "89.00"}]}
    matched = bookkeeper.post(f"billing/admin/bank-lines/{line['id']}/match/", body)
    assert matched.status_code == 200, matched.content
    assert (matched.json()["status"], matched.json()["open_amount"], matched.json()["suggestions"]) == (
        "matched", "0.00", [],
    )  # fmt: skip
    run_effects()
    assert Payment.objects.get().status == "succeeded"
    assert is_problem(bookkeeper.post(f"billing/admin/bank-lines/{line['id']}/match/", body), 409, "wrong-state")
    assert is_problem(bookkeeper.post(f"billing/admin/bank-lines/{line['id']}/unmatch/"), 409, "conflict")


def test_line_is_ignored_with_a_reason(bookkeeper, bank_account, run_effects):
    upload(bookkeeper, camt(Row("-1.00", "fee")))
    run_effects()
    line = StatementLine.objects.get()

    assert is_problem(bookkeeper.post(f"billing/admin/bank-lines/{line.pk}/ignore/"), 400, "validation-error")
    ignored = bookkeeper.post(f"billing/admin/bank-lines/{line.pk}/ignore/", {"reason": "fee"})

    assert (ignored.json()["status"], ignored.json()["ignored_because"]) == ("ignored", "fee")


def test_return_reverses_what_the_bank_took_back(bookkeeper, bank_account, run_effects):
    invoice = InvoiceFactory(currency="EUR")
    upload(bookkeeper, camt(Row("89.00", invoice.payment_reference), Row("-89.00", "back", is_return=True)))
    run_effects()
    money_in, back = StatementLine.objects.order_by("row")
    bookkeeper.post(
        f"billing/admin/bank-lines/{money_in.pk}/match/",
        {"payments": [{"invoice": str(invoice.pk), "amount": "89.00"}]},
    )
    run_effects()

    answer = bookkeeper.post(f"billing/admin/bank-lines/{back.pk}/return/", {"payment": str(Payment.objects.get().pk)})

    assert (answer.status_code, answer.json()["status"]) == (200, "returned")
    assert Payment.objects.get().status == "reversed"


@pytest.mark.parametrize(
    "payments",
    [
        [],
        [{"amount": "1.00"}],
        [{"payment": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "1.00"}],
        [{"invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "1.00"}],
        [{"invoice": "01981f3e-9a52-7c1b-8d0e-2f6a5b7c9d10", "amount": "x"}],
    ],
)
def test_wrong_match_changes_nothing(bookkeeper, bank_account, run_effects, payments):
    upload(bookkeeper, camt(Row("89.00")))
    run_effects()

    answer = bookkeeper.post(
        f"billing/admin/bank-lines/{StatementLine.objects.get().pk}/match/", {"payments": payments}
    )

    assert is_problem(answer, 400, "validation-error")
    assert not LinePayment.objects.exists()
