from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import OperationalError

from core.models import BalanceEntry, Invoice, Payment
from engine import perform
from tests.api.caller import staff
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ADMIN = "billing/admin/"
CONFIRM = "billing/admin/payments/confirm/"


@pytest.fixture
def invoice():
    PaymentMethodFactory()
    return InvoiceFactory()


@pytest.fixture
def owner(invoice):
    return Caller(MembershipFactory(account=invoice.account).user)


def claim(invoice, **change):
    return {
        "invoice_id": str(invoice.pk),
        "payment_method": "us_bank",
        "amount": "89.00",
        "manual_reference": "TRACE 1",
        **change,
    }


@pytest.mark.happy("GET billing/payments/", "GET billing/payments/{id}/", "GET billing/payments/{id}/transitions/")
def test_member_reads_the_payments_and_what_happened_to_one():
    payment, _ = PaymentFactory(), PaymentFactory(reference_key="2")
    perform(payment.reject, by=StaffFactory(), reason_code="other")
    viewer = Caller(MembershipFactory(account=payment.account, role="viewer").user)

    [row] = viewer.get("billing/payments/").json()["results"]
    steps = viewer.get(f"billing/payments/{payment.pk}/transitions/").json()["results"]

    assert (row["id"], row["status"], row["amount"]) == (str(payment.pk), "failed", "89.00")
    assert viewer.get(f"billing/payments/{payment.pk}/").json() == row
    assert [(step["name"], step["target"]) for step in steps if step["machine"] == "payment"] == [
        ("begin", "pending_approval"),
        ("reject", "failed"),
    ]


@pytest.mark.happy("POST billing/admin/payments/{id}/reject/")
def test_rejection_tells_the_customer_why():
    payment = PaymentFactory()
    path = f"billing/admin/payments/{payment.pk}/reject/"

    answer = Caller(StaffFactory()).post(path, {"reason_code": "not_received", "admin_notes": "Nothing came."})

    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    mine = Caller(payment.submitted_by).get(f"billing/payments/{payment.pk}/").json()
    assert (mine["reason_code"], mine["admin_notes"]) == ("not_received", "Nothing came.")


@pytest.mark.happy("POST billing/payments/{id}/withdraw/")
def test_a_claim_is_taken_back(digest):
    payment = PaymentFactory()
    path = f"billing/payments/{payment.pk}/withdraw/"

    assert is_problem(Caller(MembershipFactory().user).post(path), 404, "not-found")
    assert is_problem(Caller(StaffFactory()).post(path), 403, "permission-denied")
    assert Caller(payment.submitted_by).post(path).json()["status"] == "cancelled"
    assert is_problem(Caller(payment.submitted_by).post(path), 409, "wrong-state")


@pytest.mark.happy("GET billing/admin/payments/")
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


@pytest.mark.happy("POST billing/admin/payments/record/")
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


@pytest.mark.happy("POST billing/admin/payments/bulk-approve/")
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


@pytest.mark.happy("POST billing/admin/payments/bulk-reject/")
def test_many_are_rejected_with_one_reason():
    payments = [PaymentFactory(reference_key=str(n)) for n in range(3)]

    answer = staff().post(
        ADMIN + "payments/bulk-reject/", {"ids": [str(p.pk) for p in payments], "reason_code": "not_received"}
    )

    assert {row["status"] for row in answer.json()["results"]} == {"failed"}
    assert set(Payment.objects.values_list("reason_code", flat=True)) == {"not_received"}


@pytest.mark.happy("POST billing/admin/payments/{id}/reverse/")
def test_payment_is_reversed_with_the_permission_only(run_effects):
    payment = PaymentFactory()
    perform(payment.approve, by=StaffFactory())
    run_effects()

    assert is_problem(staff().post(f"{ADMIN}payments/{payment.pk}/reverse/", {"reason": "x"}), 403, "permission-denied")
    controller = staff("reverse_payment")
    assert is_problem(controller.post(f"{ADMIN}payments/{payment.pk}/reverse/"), 400, "validation-error")
    answer = controller.post(f"{ADMIN}payments/{payment.pk}/reverse/", {"reason": "recalled"})

    assert (answer.status_code, answer.json()["status"]) == (202, "reversed")


@pytest.mark.happy("POST billing/admin/payments/confirm/")
def test_a_claim_waits_for_staff(owner, invoice):
    answer = owner.post(CONFIRM, claim(invoice, payer_name="Zoë", paid_on="2026-05-03"))

    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["amount"], body["currency"]) == ("pending_approval", "89.00", "USD")
    assert (body["payer_name"], body["paid_on"]) == ("Zoë", "2026-05-03")
    assert body["available_transitions"] == ["withdraw"]
    assert "admin_notes" not in body


@pytest.mark.happy("POST billing/admin/payments/{id}/approve/")
def test_approval_answers_at_once_and_settles_later():
    payment = PaymentFactory()

    answer = Caller(StaffFactory()).post(
        f"billing/admin/payments/{payment.pk}/approve/",
        {"admin_notes": "seen", "amount_received": "80.00", "value_date": "2026-05-03"},
    )

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["amount_received"]) == ("approved", "80.00")


@pytest.mark.parametrize("body", [{}, {"ids": []}, {"ids": ["1"]}, {"ids": [str(uuid4())] * 501}, {"ids": "all"}])
def test_a_bulk_that_cannot_be_read(body, digest):
    caller = staff()
    before = digest()

    assert is_problem(caller.post(ADMIN + "payments/bulk-approve/", body), 400, "validation-error")
    assert digest() == before


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


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": 89}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": "-5.00"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "1_000"}, "amount"),
        ({"amount": "٨٩"}, "amount"),
        ({"amount": "89.001"}, "amount"),
        ({"amount": "9" * 13}, "amount"),
        ({"amount": True}, "amount"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "XXX"}, "currency"),
        ({"invoice_id": "1"}, "invoice_id"),
        ({"invoice_id": "{" + str(uuid4()) + "}"}, "invoice_id"),
        ({"invoice_id": str(uuid4()).upper() + "\n"}, "invoice_id"),
        ({"payment_method": "pk_wallet"}, "payment_method"),
        ({"manual_reference": ""}, "manual_reference"),
        ({"manual_reference": "x" * 141}, "manual_reference"),
        ({"manual_reference": "A\nBcc: x@y.test"}, "manual_reference"),
        ({"manual_notes": "x" * 2001}, "manual_notes"),
        ({"proof_url": "http://files.test/x"}, "proof_url"),
        ({"proof_url": "https://me:secret@files.test/x"}, "proof_url"),
        ({"proof_url": "https://files.test:8443/x"}, "proof_url"),
        ({"proof_url": "https://localhost/x"}, "proof_url"),
        ({"proof_url": "javascript:alert(1)"}, "proof_url"),
        ({"proof_url": "https://files.test/<script>"}, "proof_url"),
        ({"paid_on": "2026-02-30"}, "paid_on"),
        ({"paid_on": "20260501"}, "paid_on"),
        ({"status": "succeeded"}, "status"),
        ({"submitted_by": str(uuid4())}, "submitted_by"),
    ],
)
def test_a_claim_that_cannot_be_accepted_changes_nothing(owner, invoice, digest, change, field):
    before = digest()

    answer = owner.post(CONFIRM, claim(invoice, **change))

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]
    assert digest() == before


def test_a_method_may_be_named_by_its_kind(owner, invoice):
    assert owner.post(CONFIRM, claim(invoice, payment_method="bank_transfer")).json()["payment_method"] == "us_bank"


def test_the_same_reference_is_claimed_once_however_it_is_typed(owner, invoice):
    first = owner.post(CONFIRM, claim(invoice)).json()

    answer = owner.post(CONFIRM, claim(invoice, manual_reference=" trace-1 "))

    assert is_problem(answer, 409, "duplicate-claim")
    assert answer.json()["payment_id"] == first["id"]


def test_a_stranger_s_invoice_is_like_none(invoice, digest):
    stranger = Caller(MembershipFactory().user)
    before = digest()

    foreign = stranger.post(CONFIRM, claim(invoice))
    missing = stranger.post(CONFIRM, claim(invoice, invoice_id=str(uuid4())))

    assert is_problem(foreign, 404, "not-found")
    assert is_problem(missing, 404, "not-found")
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert digest() == before


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_only_owners_and_admins_confirm(invoice, role):
    member = Caller(MembershipFactory(account=invoice.account, role=role).user)

    assert is_problem(member.post(CONFIRM, claim(invoice)), 403, "permission-denied")


def test_confirming_needs_a_token(anybody, invoice):
    answer = anybody.post(CONFIRM, claim(invoice))

    assert is_problem(answer, 401, "authentication-required")
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_decision_is_made_once(verb, digest):
    payment, staff = PaymentFactory(), Caller(StaffFactory())
    staff.post(f"billing/admin/payments/{payment.pk}/reject/", {"reason_code": "not_received"})
    before = digest()

    answer = staff.post(f"billing/admin/payments/{payment.pk}/{verb}/")

    assert is_problem(answer, 409, "wrong-state")
    assert answer.json()["object_status"] == "failed"
    assert answer.json()["available"] == []
    assert digest() == before


@pytest.mark.parametrize("verb", ["approve", "reject"])
@pytest.mark.parametrize(
    ("who", "status", "slug"),
    [
        ("nobody", 401, "authentication-required"),
        ("stranger", 404, "not-found"),
        ("owner", 403, "permission-denied"),
        ("staff without permission", 403, "permission-denied"),
        ("superuser", 403, "permission-denied"),
        ("submitter", 403, "permission-denied"),
    ],
)
def test_deciding_without_permission_is_refused(verb, who, status, slug, digest):
    approver = StaffFactory()
    payment = PaymentFactory(submitted_by=approver) if who == "submitter" else PaymentFactory()
    callers = {
        "nobody": lambda: Caller(),
        "stranger": lambda: Caller(MembershipFactory().user),
        "owner": lambda: Caller(MembershipFactory(account=payment.account).user),
        "staff without permission": lambda: Caller(UserFactory(is_staff=True)),
        "superuser": lambda: Caller(UserFactory(is_staff=True, is_superuser=True)),
        "submitter": lambda: Caller(approver),
    }
    caller = callers[who]()
    before = digest()

    assert is_problem(caller.post(f"billing/admin/payments/{payment.pk}/{verb}/"), status, slug)
    assert digest() == before


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("approve", {"amount_received": "0.00"}),
        ("approve", {"amount_received": "1.234"}),
        ("approve", {"value_date": "yesterday"}),
        ("approve", {"admin_notes": "x" * 2001}),
        ("approve", {"decided_by": "me"}),
        ("reject", {"reason_code": "because"}),
        ("reject", {"admin_notes": 5}),
        ("reject", {"status": "failed"}),
    ],
)
def test_a_decision_that_cannot_be_read_changes_nothing(verb, body, digest):
    payment, staff = PaymentFactory(), Caller(StaffFactory())
    before = digest()

    assert is_problem(staff.post(f"billing/admin/payments/{payment.pk}/{verb}/", body), 400, "validation-error")
    assert digest() == before
    assert Payment.objects.get().status == "pending_approval"


def test_malformed_id_is_not_found():
    staff = Caller(StaffFactory())

    for name in (uuid4(), "1", "nonsense"):
        assert is_problem(staff.post(f"billing/admin/payments/{name}/approve/"), 404, "not-found")


def test_a_method_that_is_not_taken_is_said_so():
    assert is_problem(Caller(StaffFactory()).get(CONFIRM), 405, "method-not-allowed")


@pytest.mark.guards("F1", "api.payments.ApprovePayment._when_settled")
def test_a_decision_that_is_committed_is_no_503_when_the_database_goes_away_while_it_waits(monkeypatch):
    """F1: the payment was approved, and the answer said that nothing could be done."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database did not answer within 8 s")

    monkeypatch.setattr("api.payments.wait_for_effects", away)
    payment = PaymentFactory()

    answer = Caller(StaffFactory()).post(f"billing/admin/payments/{payment.pk}/approve/", {}, Prefer="wait=20")

    assert (answer.status_code, answer.json()["status"]) == (202, "approved")
