"""Idempotency-Key on every POST: `api.door`."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from core.models import KeyedAnswer, Payment, Transition
from tests.api.conftest import Caller, is_problem
from tests.factories import InvoiceFactory, MembershipFactory, PaymentFactory, PaymentMethodFactory, StaffFactory

pytestmark = pytest.mark.django_db

CONFIRM = "billing/admin/payments/confirm/"


@pytest.fixture
def claim():
    PaymentMethodFactory()
    invoice = InvoiceFactory()
    body = {"invoice_id": str(invoice.pk), "payment_method": "us_bank", "amount": "89.00", "manual_reference": "T1"}
    return Caller(MembershipFactory(account=invoice.account).user), body


def test_the_same_request_gets_the_same_answer(claim):
    owner, body = claim

    first = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})
    again = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Payment.objects.count() == 1


def test_another_request_under_the_key_is_refused(claim, digest):
    owner, body = claim
    owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})
    before = digest()

    other_body = owner.post(CONFIRM, body | {"amount": "1.00"}, **{"Idempotency-Key": "abc"})
    other_path = owner.post("credits/consume/", body, **{"Idempotency-Key": "abc"})

    assert is_problem(other_body, 422, "idempotency-key-reused")
    assert is_problem(other_path, 422, "idempotency-key-reused")
    assert digest() == before


def test_a_key_is_its_caller_s_own(claim):
    owner, body = claim
    owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    stranger = Caller(MembershipFactory().user).post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert is_problem(stranger, 404, "not-found")


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "x" * 256, "a\tb"])
def test_a_key_that_is_none_is_refused(claim, key, digest):
    owner, body = claim
    before = digest()

    assert is_problem(owner.post(CONFIRM, body, **{"Idempotency-Key": key}), 400, "malformed-request")
    assert digest() == before


def test_what_can_be_corrected_is_not_kept(claim):
    owner, body = claim

    bad = owner.post(CONFIRM, body | {"amount": "x"}, **{"Idempotency-Key": "abc"})
    good = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert is_problem(bad, 400, "validation-error")
    assert good.status_code == 201


def test_a_refusal_is_kept_and_what_it_began_is_not(claim):
    owner, body = claim
    owner.post(CONFIRM, body)

    first = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})
    again = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert is_problem(first, 409, "duplicate-claim")
    assert again.content == first.content
    assert again["Content-Type"] == "application/problem+json"
    assert KeyedAnswer.objects.get().status == 409


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_do_it_once():
    payment, staff = PaymentFactory(), StaffFactory()
    callers = [Caller(staff) for _ in range(16)]
    start, answers = threading.Barrier(16), []

    def approve(caller):
        start.wait()
        answers.append(caller.post(f"billing/admin/payments/{payment.pk}/approve/", **{"Idempotency-Key": "one"}))
        connection.close()

    threads = [threading.Thread(target=approve, args=(caller,)) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    bodies = {answer.content for answer in answers if answer.status_code == 202}
    assert len(bodies) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all(is_problem(a, 409, "idempotency-key-in-use") for a in answers if a.status_code == 409)
    assert Transition.objects.filter(name="approve").count() == 1
