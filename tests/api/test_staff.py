from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from core.models import BalanceEntry, Invoice, Payment
from engine import perform
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    UserFactory,
)
from workflows.settlement.balances import balance_of

pytestmark = pytest.mark.django_db

ADMIN = "billing/admin/"


def staff(*permissions):
    user = StaffFactory()
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return Caller(user)


def test_many_are_decided_at_once_with_a_result_for_each(run_effects):
    good = [PaymentFactory(reference_key=str(n)) for n in range(3)]
    decided = PaymentFactory()
    perform(decided.reject, by=StaffFactory(), reason_code="other")
    missing = uuid4()

    answer = staff().post(
        ADMIN + "payments/bulk-approve/", {"ids": [str(p.pk) for p in [*good, decided]] + [str(missing)]}
    )

    assert answer.status_code == 200
    results = {row["id"]: row for row in answer.json()["results"]}
    assert [results[str(p.pk)]["status"] for p in good] == ["approved"] * 3
    assert results[str(decided.pk)]["problem"]["type"] == "/problems/wrong-state"
    assert results[str(missing)]["problem"]["type"] == "/problems/not-found"
    run_effects()
    assert Payment.objects.filter(status="succeeded").count() == 3


def test_many_are_rejected_with_one_reason():
    payments = [PaymentFactory(reference_key=str(n)) for n in range(3)]

    answer = staff().post(
        ADMIN + "payments/bulk-reject/", {"ids": [str(p.pk) for p in payments], "reason_code": "not_received"}
    )

    assert {row["status"] for row in answer.json()["results"]} == {"failed"}
    assert set(Payment.objects.values_list("reason_code", flat=True)) == {"not_received"}


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": ["1"]}, {"ids": [str(uuid4())] * 501}, {"ids": "all"}])
def test_a_bulk_that_cannot_be_read(body, digest):
    caller = staff()
    before = digest()

    assert is_problem(caller.post(ADMIN + "payments/bulk-approve/", body), 400, "validation-error")
    assert digest() == before


def test_the_queue_is_filtered():
    PaymentFactory(reference="ONE", reference_key="ONE")
    other = PaymentFactory(reference="TWO", reference_key="TWO", amount=Decimal("12.00"))
    perform(other.reject, by=StaffFactory(), reason_code="other")
    caller = staff()

    def found(query):
        answer = caller.get(f"{ADMIN}payments/{query}")
        assert answer.status_code == 200, answer.content
        return [row["manual_reference"] for row in answer.json()["results"]]

    assert found("?status=pending_approval") == ["ONE"]
    assert found("?search=tw") == ["TWO"]
    assert found("?max_amount=20.00") == found("?amount=12.00") == ["TWO"]
    assert found("?ordering=created_at") == ["ONE", "TWO"]
    assert found("?country=US&method=us_bank&age=0") == ["TWO", "ONE"]
    for query in (
        "?status=odd",
        "?country=ZZ",
        "?page_size=0",
        "?page_size=101",
        "?ordering=password",
        "?min_amount=x",
    ):
        assert is_problem(caller.get(f"{ADMIN}payments/{query}"), 400, "validation-error")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "payments/", None),
        ("get", "accounts/", None),
        ("post", "payments/bulk-approve/", {"ids": [str(uuid4())]}),
        ("post", "payments/bulk-reject/", {"ids": [str(uuid4())]}),
        ("post", "payments/record/", {}),
        ("post", "credits/adjust/", {}),
    ],
)
def test_caller_who_is_not_staff_is_refused(method, path, body, digest):
    for user in (MembershipFactory().user, UserFactory(is_staff=True), UserFactory(is_staff=True, is_superuser=True)):
        caller = Caller(user)
        before = digest()
        answer = caller.get(ADMIN + path) if method == "get" else caller.post(ADMIN + path, body)
        assert is_problem(answer, 403, "permission-denied")
        assert digest() == before


def test_a_receipt_is_recorded_by_one_and_approved_by_another(run_effects):
    PaymentMethodFactory()
    invoice, first, second = InvoiceFactory(), staff(), staff()
    receipt = {
        "invoice_id": str(invoice.pk),
        "payment_method": "us_bank",
        "amount": "89.00",
        "manual_reference": "R-1",
    }

    payment = first.post(ADMIN + "payments/record/", receipt)
    assert payment.status_code == 201, payment.content
    key = payment.json()["id"]
    assert is_problem(first.post(f"{ADMIN}payments/{key}/approve/"), 403, "permission-denied")
    assert second.post(f"{ADMIN}payments/{key}/approve/").status_code == 202
    run_effects()

    assert Invoice.objects.get().status == "paid"


def test_one_transfer_pays_two_invoices(run_effects):
    first = PaymentFactory(amount=Decimal("200.00"))
    second = InvoiceFactory(subscription=None, account=first.account)

    answer = staff().post(
        f"{ADMIN}payments/{first.pk}/approve/",
        {
            "allocations": [
                {"invoice_id": str(first.invoice_id), "amount": "89.00"},
                {"invoice_id": str(second.pk), "amount": "89.00"},
            ]
        },
    )
    run_effects()

    assert answer.status_code == 202, answer.content
    assert set(Invoice.objects.values_list("status", flat=True)) == {"paid"}
    assert BalanceEntry.objects.get().amount == Decimal("22.00")


@pytest.mark.parametrize("amount", ["89.01", "0.00", "x"])
def test_no_more_is_allocated_than_was_received(amount, digest):
    payment, caller = PaymentFactory(), staff()
    stranger = InvoiceFactory()
    before = digest()

    for invoice, sum_ in ((payment.invoice_id, amount), (stranger.pk, "1.00")):
        body = {"allocations": [{"invoice_id": str(invoice), "amount": sum_}]}
        assert is_problem(caller.post(f"{ADMIN}payments/{payment.pk}/approve/", body), 400, "validation-error")
    assert digest() == before


def test_payment_is_reversed_with_the_permission_only(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert is_problem(staff().post(f"{ADMIN}payments/{payment.pk}/reverse/", {"reason": "x"}), 403, "permission-denied")
    controller = staff("reverse_payment")
    assert is_problem(controller.post(f"{ADMIN}payments/{payment.pk}/reverse/"), 400, "validation-error")
    answer = controller.post(f"{ADMIN}payments/{payment.pk}/reverse/", {"reason": "recalled"})

    assert (answer.status_code, answer.json()["status"]) == (202, "reversed")


@pytest.mark.parametrize(("verb", "status"), [("void", "void"), ("write-off", "uncollectible")])
def test_invoice_is_closed_with_the_permission_only(verb, status):
    invoice = InvoiceFactory()
    path = f"{ADMIN}invoices/{invoice.pk}/{verb}/"

    assert is_problem(staff().post(path), 403, "permission-denied")
    assert is_problem(Caller(MembershipFactory().user).post(path), 404, "not-found")
    assert staff("void_invoice").post(path, {"reason": "issued twice"}).json()["status"] == status
    assert is_problem(staff("void_invoice").post(path), 409, "wrong-state")


def test_an_invoice_with_money_on_it_is_not_voided():
    invoice = InvoiceFactory()
    perform(invoice.pay, amount=Decimal("1.00"))

    answer = staff("void_invoice").post(f"{ADMIN}invoices/{invoice.pk}/void/")

    assert is_problem(answer, 409, "wrong-state")
    assert answer.json()["object_status"] == "partially_paid"


def test_voiding_a_part_paid_invoice_moves_its_money_to_the_balance(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory(), received=Decimal("40.00"))
    run_effects()
    invoice = payment.invoice
    path = f"{ADMIN}invoices/{invoice.pk}/void/"
    assert is_problem(staff("void_invoice").post(path), 409, "wrong-state")

    answer = staff("void_invoice").post(path, {"reason": "issued twice", "to_balance": True})

    assert (answer.status_code, answer.json()["status"]) == (200, "void")
    assert balance_of(invoice.account_id) == {"USD": Decimal("40.00")}


def test_credits_are_adjusted_with_a_reason():
    account = MembershipFactory().account
    caller = staff("adjust_credits")
    body = {"account_id": str(account.pk), "amount": 50, "reason": "sorry"}

    assert caller.post(ADMIN + "credits/adjust/", body).json()["balance_after"] == 50
    assert is_problem(caller.post(ADMIN + "credits/adjust/", body | {"amount": -51}), 402, "insufficient-credits")
    for change in ({"amount": 0}, {"amount": 1_000_001}, {"amount": "x"}, {"reason": ""}, {"account_id": "1"}):
        assert is_problem(caller.post(ADMIN + "credits/adjust/", body | change), 400, "validation-error")
