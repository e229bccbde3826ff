"""Concurrent requests to a web server of two processes with four threads each."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from stack.application import Application
from tests.http_client import http_client
from tests.stories.api_client import BILLING, PASSWORD, ApiClient, Person

pytestmark = [pytest.mark.xdist_group("stories"), pytest.mark.timeout(240)]

CROWD = 64

Answers = Sequence[httpx.Response]


@dataclass(frozen=True)
class Claimed:
    """A customer who says that they have paid."""

    customer: Person
    account: str
    invoice: str
    payment: str


def unique(word: str) -> str:
    return f"{word}-{uuid4().hex[:12]}"


@contextmanager
def crowd(url: str, people: int = CROWD) -> Iterator[Callable[[Sequence[Callable[[httpx.Client], Any]]], list[Any]]]:
    """Runs calls at once, each over a connection of its own that stands already."""
    clients = [http_client(base_url=f"{url}/api/v1/", timeout=60) for _ in range(people)]
    start = threading.Barrier(people)

    def one(client: httpx.Client, call: Callable[[httpx.Client], Any]) -> Any:
        client.get("plans/")
        start.wait(timeout=60)
        return call(client)

    def run(calls: Sequence[Callable[[httpx.Client], Any]]) -> list[Any]:
        assert len(calls) == people
        with ThreadPoolExecutor(people) as pool:
            return list(pool.map(one, clients, calls))

    try:
        yield run
    finally:
        for client in clients:
            client.close()


def post(path: str, who: Person, body: Any = None, **headers: str) -> Callable[[httpx.Client], httpx.Response]:
    return lambda http: http.post(path, json=body or {}, headers=who.headers | headers)


def claimed(api: ApiClient) -> Claimed:
    customer, signed_up = api.signed_up(f"{unique('race')}@acme.test", plan="starter", **BILLING)
    invoice = signed_up["invoice"]["id"]
    payment = customer.post("billing/admin/payments/confirm/", claim_of(invoice, unique("REF")))
    assert payment.status_code == 201, payment.text
    return Claimed(customer, signed_up["account"]["id"], invoice, payment.json()["id"])


def claim_of(invoice: str, reference: str) -> dict[str, str]:
    return {
        "invoice_id": invoice,
        "payment_method": "us_bank",
        "amount": "89.00",
        "manual_reference": reference,
    }


def statuses(answers: Answers) -> dict[int, int]:
    return dict(Counter(answer.status_code for answer in answers))


def slugs(answers: Answers) -> set[str]:
    return {answer.json()["type"] for answer in answers if answer.status_code == 409}


@pytest.fixture
def count(application: Application) -> Iterator[Callable[..., int]]:
    """How many rows a condition finds in a view of the audit."""
    with psycopg.connect(application.database_url, autocommit=True) as connection:

        def count(what: str, *values: Any) -> int:
            row = connection.execute(f"SELECT count(*) FROM audit.{what}", values).fetchone()
            assert row is not None
            return int(row[0])

        yield count


@pytest.fixture
def approver(api: ApiClient) -> Person:
    return api.signed_in("approver@demo.test")


def test_of_64_approvals_of_one_payment_one_wins(
    application: Application, api: ApiClient, approver: Person, count: Callable[..., int]
):
    claim = claimed(api)

    with crowd(application.url) as at_once:
        path = f"billing/admin/payments/{claim.payment}/approve/"
        answers = at_once([post(path, approver, {"admin_notes": "seen"}, Prefer="wait=20")] * CROWD)

    assert statuses(answers) == {200: 1, 409: CROWD - 1}
    assert slugs(answers) == {"/problems/wrong-state"}
    assert count("transitions WHERE object_id = %s AND name IN ('approve', 'settle')", claim.payment) == 2
    assert count("allocations WHERE payment_id = %s", claim.payment) == 1
    assert count("credit_entries WHERE account_id = %s", claim.account) == 1
    assert claim.customer.get("account/").json()["credits"] == 1000


def test_of_64_claims_with_one_reference_one_is_taken(
    application: Application, api: ApiClient, count: Callable[..., int]
):
    customer, signed_up = api.signed_up(f"{unique('race')}@acme.test", plan="starter", **BILLING)
    body = claim_of(signed_up["invoice"]["id"], unique("SAME"))

    with crowd(application.url) as at_once:
        answers = at_once([post("billing/admin/payments/confirm/", customer, body)] * CROWD)

    assert statuses(answers) == {201: 1, 409: CROWD - 1}
    assert slugs(answers) == {"/problems/duplicate-claim"}
    (taken,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert {answer.json()["payment_id"] for answer in answers if answer.status_code == 409} == {taken}
    assert count("payments WHERE account_id = %s", signed_up["account"]["id"]) == 1


def test_of_64_sign_ups_with_one_address_one_is_taken(application: Application, count: Callable[..., int]):
    address = f"{unique('race')}@acme.test"
    body = {"email": address, "password": PASSWORD, "account_name": address, "plan": "starter", **BILLING}

    with crowd(application.url) as at_once:
        answers = at_once([lambda http: http.post("auth/register/", json=body)] * CROWD)

    assert statuses(answers) == {201: 1, 409: CROWD - 1}
    (taken,) = [answer.json()["account"]["id"] for answer in answers if answer.status_code == 201]
    assert count("accounts WHERE id = %s", taken) == 1
    with psycopg.connect(application.database_url) as connection:
        row = connection.execute("SELECT count(*) FROM core_account WHERE name = %s", [address]).fetchone()
    assert row == (1,)


def test_approve_reject_and_withdraw_have_one_winner(
    application: Application, api: ApiClient, approver: Person, count: Callable[..., int]
):
    winners = set()
    for _ in range(8):
        claim = claimed(api)
        admin = f"billing/admin/payments/{claim.payment}"
        with crowd(application.url, 12) as at_once:
            answers = at_once(
                [
                    post(f"{admin}/approve/", approver),
                    post(f"{admin}/reject/", approver, {"reason_code": "not_received"}),
                    post(f"billing/payments/{claim.payment}/withdraw/", claim.customer),
                ]
                * 4
            )

        assert {answer.status_code for answer in answers} <= {200, 202, 409}
        (winner,) = [answer.request.url.path for answer in answers if answer.status_code != 409]
        winners.add(winner.rstrip("/").rpartition("/")[2])
        decisions = "transitions WHERE object_id = %s AND name IN ('approve', 'reject', 'withdraw')"
        assert count(decisions, claim.payment) == 1
    assert winners <= {"approve", "reject", "withdraw"}


def test_two_bulk_approvals_in_opposite_order_decide_each_payment_once(
    application: Application, api: ApiClient, approver: Person, count: Callable[..., int]
):
    payments = [claimed(api).payment for _ in range(20)]
    bulk = "billing/admin/payments/bulk-approve/"

    with crowd(application.url, 4) as at_once:
        orders = [payments, payments[::-1], payments[::2] + payments[1::2], payments[10:] + payments[:10]]
        answers = at_once([post(bulk, approver, {"ids": order}) for order in orders])

    assert statuses(answers) == {200: 4}
    won = Counter(
        result["id"] for answer in answers for result in answer.json()["results"] if result.get("status") == "approved"
    )
    assert won == dict.fromkeys(payments, 1)
    lost = [result for answer in answers for result in answer.json()["results"] if "problem" in result]
    assert {result["problem"]["type"] for result in lost} == {"/problems/wrong-state"}
    assert count("transitions WHERE object_id = ANY(%s::uuid[]) AND name = 'approve'", payments) == 20


def test_16_equal_requests_with_one_key_are_carried_out_once(
    application: Application, api: ApiClient, count: Callable[..., int]
):
    customer, signed_up = api.signed_up(f"{unique('race')}@acme.test")
    body = {"amount": 5, "reference": unique("job")}
    key = {"Idempotency-Key": unique("key")}

    with crowd(application.url, 16) as at_once:
        answers = at_once([post("credits/consume/", customer, body, **key)] * 16)

    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert slugs(answers) <= {"/problems/idempotency-key-in-use"}
    assert len({answer.content for answer in done}) == 1
    assert len([answer for answer in done if "Idempotent-Replayed" not in answer.headers]) == 1
    assert count("credit_entries WHERE account_id = %s AND amount < 0", signed_up["account"]["id"]) == 1
    assert customer.post("credits/consume/", body, **key).headers["Idempotent-Replayed"] == "true"
