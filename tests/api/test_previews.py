from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db.models import Max

from core.models import CreditEntry, IdempotentResponse, Payment
from core.models.user import STAFF_PERMISSIONS
from engine import Busy, perform
from tests.api.conftest import Caller, is_problem
from tests.factories import PaymentFactory, StaffFactory, UserFactory
from workflows.reporting import previews

pytestmark = pytest.mark.django_db

DESK = "billing/admin/payments"


@pytest.fixture
def staff() -> Caller:
    person = StaffFactory()
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="core", codename__in=STAFF_PERMISSIONS)
    )
    return Caller(person)


@pytest.fixture
def claim(run_effects) -> Payment:
    payment = PaymentFactory()
    run_effects()
    return payment


@pytest.mark.happy(
    "POST billing/admin/payments/{id}/reject/preview/",
    "POST billing/admin/payments/{id}/reverse/preview/",
    "POST billing/admin/payments/bulk-reject/preview/",
)
def test_other_decisions_are_previewed_too(staff, claim, run_effects):
    why = {"reason_code": "other"}
    many = staff.post(f"{DESK}/bulk-reject/preview/", {"ids": [str(claim.pk)], **why}).json()
    assert [row["status"] for row in many["results"]] == ["failed"]
    assert staff.post(f"{DESK}/{claim.pk}/reject/preview/", why).json()["summary"] == "1 mail"
    perform(claim.approve, by=StaffFactory())
    run_effects()

    told = staff.post(f"{DESK}/{claim.pk}/reverse/preview/", {"reason": "bounced"}).json()

    assert told["credits"] == -1000
    claim.refresh_from_db()
    assert claim.status == "succeeded"


@pytest.mark.happy("POST billing/admin/payments/{id}/approve/preview/")
def test_an_approval_with_all_that_would_follow(staff, claim, digest):
    before = digest()

    answer = staff.post(f"{DESK}/{claim.pk}/approve/preview/", {"amount_received": "100.00"})

    assert answer.status_code == 200
    told = answer.json()
    assert told["summary"].startswith("1 invoice paid, subscription active until ")
    assert told["summary"].endswith("1,000 credits, 11.00 USD to the balance, 1 mail, 2 timers")
    assert [(each["machine"], each["source"], each["target"]) for each in told["changes"]] == [
        ("payment", "pending_approval", "succeeded"),
        ("invoice", "pending", "paid"),
        ("subscription", "pending_payment", "active"),
        ("account", "pending_payment", "active"),
    ]
    assert told["changes"][0]["object_id"] == str(claim.pk)
    assert (told["credits"], told["balance"]) == (1000, [{"currency": "USD", "amount": "11.00"}])
    assert [each["kind"] for each in told["mails"]] == ["mail.payment_approved"]
    assert {each["machine"] for each in told["timers"]} == {"subscription"}
    assert told["failing"] == []
    assert digest() == before


@pytest.mark.happy("POST billing/admin/payments/{id}/preview/")
def test_one_address_for_each_verb(staff, claim, run_effects):
    rejected = staff.post(f"{DESK}/{claim.pk}/preview/", {"verb": "reject", "inputs": {"reason_code": "other"}})
    assert rejected.json()["summary"] == "1 mail"
    perform(claim.approve, by=StaffFactory())
    run_effects()
    reversed_ = staff.post(f"{DESK}/{claim.pk}/preview/", {"verb": "reverse", "inputs": {"reason": "bounced"}})
    assert reversed_.json()["credits"] == -1000


@pytest.mark.happy("POST billing/admin/payments/bulk-approve/preview/")
def test_bulk_preview_has_a_result_for_each(staff, claim, run_effects):
    other = PaymentFactory(reference="B", reference_key="B")
    run_effects()
    own = PaymentFactory(submitted_by=staff.user, reference="C", reference_key="C")

    told = staff.post(f"{DESK}/bulk-approve/preview/", {"ids": [str(row.pk) for row in (claim, other, own)]}).json()

    assert told["summary"].startswith("2 payments settled, 2 invoices paid, 2 subscriptions active, 2,000 credits")
    results = {row["id"]: row.get("status") or row["problem"]["status"] for row in told["results"]}
    assert results == {str(claim.pk): "approved", str(other.pk): "approved", str(own.pk): 403}


@pytest.mark.happy(
    "POST billing/admin/invoices/{id}/void/preview/",
    "POST billing/admin/invoices/{id}/write-off/preview/",
    "POST billing/admin/accounts/{id}/close/preview/",
    "POST billing/admin/credits/adjust/preview/",
)
def test_corrections_are_previewed_too(staff, claim, run_effects):
    perform(claim.reject, by=StaffFactory(), reason_code="other")
    run_effects()
    account, invoice = claim.account_id, claim.invoice_id
    five = {"account_id": str(account), "amount": 5, "reason": "x"}
    for path, body, told in (
        (f"billing/admin/invoices/{invoice}/void/preview/", {}, "1 invoice void"),
        (f"billing/admin/invoices/{invoice}/write-off/preview/", {}, "1 invoice written off"),
        (f"billing/admin/accounts/{account}/close/preview/", {"reason": "x"}, "1 account closed"),
        ("billing/admin/credits/adjust/preview/", five, "5 credits"),
    ):
        assert told in staff.post(path, body).json()["summary"]
    assert CreditEntry.objects.aggregate(Max("amount"))["amount__max"] is None


def test_approval_does_what_its_preview_said(staff, claim, run_effects):
    told = staff.post(f"{DESK}/{claim.pk}/approve/preview/", {}).json()
    staff.post(f"{DESK}/{claim.pk}/approve/", {})
    run_effects()

    claim.refresh_from_db()
    assert told["changes"][0]["target"] == claim.status
    assert told["credits"] == CreditEntry.objects.get().amount


@pytest.mark.parametrize("path", ["approve/preview/", "preview/"])
def test_preview_ignores_an_idempotency_key(staff, claim, path):
    """DECISIONS 28: a preview is never stored, so it answers what is so now, and the key is free for the deed."""
    body: dict[str, Any] = {"verb": "approve"} if path == "preview/" else {}
    key = {"Idempotency-Key": "the-same"}

    first = staff.post(f"{DESK}/{claim.pk}/{path}", body, **key)
    again = staff.post(f"{DESK}/{claim.pk}/{path}", body, **key)

    assert first.status_code == again.status_code == 200
    assert "Idempotent-Replayed" not in again
    assert not IdempotentResponse.objects.exists()
    assert staff.post(f"{DESK}/{claim.pk}/approve/", {}, **key).status_code == 202
    assert is_problem(staff.post(f"{DESK}/{claim.pk}/{path}", body, **key), 409, "wrong-state")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "verb"),
        ({"verb": "settle"}, "verb"),
        ({"verb": "approve", "inputs": []}, "inputs"),
        ({"verb": "approve", "inputs": {"amount_received": "lots"}}, "amount_received"),
        ({"verb": "approve", "inputs": {"by": "me"}}, "by"),
        ({"verb": "reverse"}, "reason"),
    ],
)
def test_preview_refuses_input_that_the_verb_refuses(staff, claim, body, field):
    answer = staff.post(f"{DESK}/{claim.pk}/preview/", body)

    assert is_problem(answer, 400, "validation-error")
    assert field in answer.json()["errors"]


def test_preview_without_permission_is_refused(claim):
    reviewer = UserFactory(is_staff=True)
    reviewer.user_permissions.set(Permission.objects.filter(codename="review_payment"))

    for path, body in (("approve/preview/", {}), ("preview/", {"verb": "approve"})):
        assert is_problem(Caller(reviewer).post(f"{DESK}/{claim.pk}/{path}", body), 403, "permission-denied")


def test_preview_of_a_locked_row_answers_503(staff, claim, monkeypatch):
    def busy(*_, **__):
        raise Busy

    monkeypatch.setattr(previews, "preview_of", busy)

    answer = staff.post(f"{DESK}/{claim.pk}/approve/preview/", {})

    assert is_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "1"


def test_a_preview_waits_for_nothing(staff, claim):
    answer = staff.post(f"{DESK}/{claim.pk}/approve/preview/", {}, Prefer="wait=30")

    assert answer.status_code == 200
    assert "summary" in answer.json()
