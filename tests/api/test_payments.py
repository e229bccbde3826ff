from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import OperationalError

from core.models import Payment
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


def test_a_claim_waits_for_staff(owner, invoice):
    answer = owner.post(CONFIRM, claim(invoice, payer_name="Zoë", paid_on="2026-05-03"))

    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["amount"], body["currency"]) == ("pending_approval", "89.00", "USD")
    assert (body["payer_name"], body["paid_on"]) == ("Zoë", "2026-05-03")
    assert body["available_transitions"] == ["withdraw"]
    assert "admin_notes" not in body


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


def test_approval_answers_at_once_and_settles_later():
    payment = PaymentFactory()

    answer = Caller(StaffFactory()).post(
        f"billing/admin/payments/{payment.pk}/approve/",
        {"admin_notes": "seen", "amount_received": "80.00", "value_date": "2026-05-03"},
    )

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["amount_received"]) == ("approved", "80.00")


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


def test_the_country_s_methods_come_first(anybody):
    PaymentMethodFactory(code="wire", country="", position=0)
    PaymentMethodFactory(code="us_bank", country="US", position=5)
    PaymentMethodFactory(code="pk_wallet", country="PK")
    PaymentMethodFactory(code="old", country="US", is_enabled=False)

    codes = [row["code"] for row in anybody.get("billing/admin/payment-methods/?country=US").json()["results"]]
    everywhere = [row["code"] for row in anybody.get("billing/admin/payment-methods/").json()["results"]]

    assert codes == ["us_bank", "wire"]
    assert everywhere == ["wire"]


@pytest.mark.parametrize("query", ["?country=ZZ", "?country=us", "?country=U%D0%85", "?land=US"])
def test_an_unknown_country_or_filter_is_refused(anybody, query):
    assert is_problem(anybody.get(f"billing/admin/payment-methods/{query}"), 400, "validation-error")


def test_a_hostile_address_is_refused_before_any_view(anybody):
    assert is_problem(anybody.get("billing/admin/payment-methods/?country=%00"), 400, "malformed-request")


@pytest.mark.guards("F1", "api.payments.ApprovePayment._when_settled")
def test_a_decision_that_is_committed_is_no_503_when_the_database_goes_away_while_it_waits(monkeypatch):
    """F1: the payment was approved, and the answer said that nothing could be done."""

    def away(*_: object, **__: object) -> None:
        raise OperationalError("the database did not answer within 8 s")

    monkeypatch.setattr("api.payments.wait_for_effects", away)
    payment = PaymentFactory()

    answer = Caller(StaffFactory()).post(f"billing/admin/payments/{payment.pk}/approve/", {}, Prefer="wait=20")

    assert (answer.status_code, answer.json()["status"]) == (202, "approved")
