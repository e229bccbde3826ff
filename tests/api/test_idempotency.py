from __future__ import annotations

import hashlib
import threading

import pytest
from django.db import connection
from knox.models import AuthToken

from core.models import IdempotentResponse, Payment, User
from engine.models import Transition
from tests.api.conftest import Caller, is_problem
from tests.factories import (
    InvoiceFactory,
    MembershipFactory,
    PaymentFactory,
    PaymentMethodFactory,
    PlanFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db

CONFIRM = "billing/admin/payments/confirm/"
PASSWORD = "correct horse battery"
LOGIN = {"email": "ann@acme.test", "password": PASSWORD}
KEY = {"Idempotency-Key": "abc"}
GIVES_A_TOKEN = {
    "auth/login/": LOGIN,
    "auth/register/": {"email": "new@acme.test", "password": PASSWORD, "account_name": "Acme"},
    "auth/password/change/": {"old_password": PASSWORD, "new_password": "another horse battery"},
}


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
def test_malformed_idempotency_key_is_refused(claim, key, digest):
    owner, body = claim
    before = digest()

    assert is_problem(owner.post(CONFIRM, body, **{"Idempotency-Key": key}), 400, "malformed-request")
    assert digest() == before


def test_answer_to_a_correctable_request_is_not_kept(claim):
    owner, body = claim

    bad = owner.post(CONFIRM, body | {"amount": "x"}, **{"Idempotency-Key": "abc"})
    good = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert is_problem(bad, 400, "validation-error")
    assert good.status_code == 201


def test_refusal_is_kept_and_its_changes_are_rolled_back(claim):
    owner, body = claim
    owner.post(CONFIRM, body)

    first = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})
    again = owner.post(CONFIRM, body, **{"Idempotency-Key": "abc"})

    assert is_problem(first, 409, "duplicate-claim")
    assert again.content == first.content
    assert again["Content-Type"] == "application/problem+json"
    assert IdempotentResponse.objects.get().status == 409


@pytest.mark.django_db(transaction=True)
def test_sixteen_equal_requests_at_once_are_carried_out_once():
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


@pytest.fixture
def ann():
    PlanFactory(code="free", name="Free", price=0)
    return User.objects.create_user("ann@acme.test", PASSWORD)


def held(row):
    """What a reader of the table learns."""
    return " ".join(str(value) for value in (row.scope, row.key, row.fingerprint, bytes(row.body).decode()))


@pytest.mark.parametrize("path", GIVES_A_TOKEN)
def test_a_token_comes_again_and_is_nowhere_in_the_database(ann, path):
    caller, body = Caller(ann if "change" in path else None), GIVES_A_TOKEN[path]

    first = caller.post(path, body, **KEY)
    row = IdempotentResponse.objects.get()
    token = first.json()["token"]
    if "change" in path:  # who asks again does so with the token of the answer
        caller.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    again = caller.post(path, body, **KEY)

    assert first.status_code in {200, 201}
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert token not in held(row)
    assert token[:10] not in held(row)
    caller.client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert caller.get("auth/me/").status_code == 200


def test_kept_request_digest_does_not_reveal_a_password(ann, settings):
    raw = b'{"email": "ann@acme.test", "password": "correct horse battery"}'
    anybody = Caller().client

    anybody.post("/api/v1/auth/login/", raw, content_type="application/json", headers=KEY)
    plain = IdempotentResponse.objects.get().fingerprint
    IdempotentResponse.objects.all().delete()
    settings.SECRET_KEY = "the-next-one-which-is-as-long-as-a-secret-must-be"
    anybody.post("/api/v1/auth/login/", raw, content_type="application/json", headers=KEY)

    assert plain != hashlib.sha256(b"\n".join([b"POST", b"/api/v1/auth/login/", raw])).hexdigest()
    assert IdempotentResponse.objects.get().fingerprint != plain  # nobody makes it without the key


def test_a_kept_token_outlives_a_change_of_the_secret_key(ann, settings):
    caller = Caller()
    first = caller.post("auth/login/", LOGIN, **KEY)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-one-which-is-as-long-as-a-secret-must-be"
    again = caller.post("auth/login/", LOGIN, **KEY)
    other = caller.post("auth/login/", LOGIN | {"password": "x"}, **KEY)

    assert again.content == first.content
    assert is_problem(other, 422, "idempotency-key-reused")


def test_two_answers_have_two_tokens(ann):
    caller = Caller()

    tokens = {caller.post("auth/login/", LOGIN, **{"Idempotency-Key": key}).json()["token"] for key in "ab"}
    tokens.add(caller.post("auth/login/", LOGIN).json()["token"])

    assert len(tokens) == 3 == AuthToken.objects.count()


@pytest.mark.guards("replay", "api.views.ApiView.initial")
def test_caller_without_the_permission_gets_no_kept_answer(claim):
    """The key is looked at after the permission: an answer of before tells nothing to who may not ask any more."""
    owner, body = claim
    approver, decide = StaffFactory(), "billing/admin/payments/bulk-approve/"
    decision = {"ids": [owner.post(CONFIRM, body).json()["id"]]}
    assert Caller(approver).post(decide, decision, **KEY).status_code == 200

    approver.user_permissions.clear()
    refused = Caller(User.objects.get(pk=approver.pk)).post(decide, decision, **KEY)

    assert is_problem(refused, 403, "permission-denied")
    assert "Idempotent-Replayed" not in refused
