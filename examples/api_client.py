"""A client of Countersign's API in one file, to copy or to learn from. It needs only httpx.

    with Countersign("https://billing.example.com") as anonymous:
        signed_up = anonymous.register("me@example.com", "correct horse battery", "Me Ltd")
        me = anonymous.as_caller(signed_up["token"])
        me.consume(10, reference="report-1")

Every POST carries an Idempotency-Key and is retried with the same key when the network fails or the server asks to
wait: however often it is sent, it happens once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypedDict
from uuid import uuid4

import httpx

RETRIED = {429, 503}  # and 409 while the first try is still under way
TRIES = 5


class Account(TypedDict):
    id: str
    name: str
    status: str  # trial, pending_payment, active, past_due, suspended, expired, closed
    credits: int


class Invoice(TypedDict):
    id: str
    number: str
    payment_reference: str  # what the payer writes into the bank's form
    status: str  # draft, pending, partially_paid, paid, void, uncollectible
    currency: str
    total: str  # money is a string with the currency's digits: "89.00"
    outstanding: str
    due_on: str


class Payment(TypedDict):
    id: str
    invoice_id: str
    status: str  # pending_approval, approved, succeeded, failed, cancelled, reversed
    amount: str
    currency: str
    available_transitions: list[str]  # what the caller may do with it now


class CreditEntry(TypedDict):
    id: str
    amount: int
    balance_after: int
    reference: str


class SignedUp(TypedDict):
    token: str
    expires_at: str
    account: Account
    invoice: Invoice | None  # null for a free plan


class Refused(Exception):  # noqa: N818
    """An error answer: a problem document (RFC 9457)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.document: dict[str, Any] = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        self.slug: str = self.document.get("type", "").rpartition("/")[2]  # such as wrong-state
        self.errors: dict[str, list[str]] = self.document.get("errors", {})  # of a validation-error, by field
        super().__init__(f"{self.status} {self.slug}: {self.document.get('detail', answer.text[:200])} {self.errors}")


class Countersign:
    """One caller of one installation. Raises Refused, and httpx.TransportError when all tries have failed."""

    def __init__(self, url: str, token: str = "", *, timeout: float = 40) -> None:
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/", headers=headers, timeout=timeout)

    def __enter__(self) -> Countersign:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.http.close()

    # Sign-in

    def register(self, email: str, password: str, account_name: str, **details: Any) -> SignedUp:
        """Open an account; `plan`, `currency`, `payment_method` and the billing fields are optional for a free plan."""
        return self.post("auth/register/", email=email, password=password, account_name=account_name, **details)

    def login(self, email: str, password: str) -> Countersign:
        """The same installation with a token."""
        return self.as_caller(self.post("auth/login/", email=email, password=password)["token"])

    def as_caller(self, token: str) -> Countersign:
        return Countersign(self.url, token)

    # Customers

    def account(self) -> Account:
        return self.get("account/")

    def payment_methods(self, country: str) -> Iterator[dict[str, Any]]:
        return self.rows("billing/admin/payment-methods/", country=country)

    def invoices(self, **filters: str) -> Iterator[Invoice]:
        return self.rows("billing/invoices/", **filters)

    def confirm(self, invoice: Invoice, payment_method: str, reference: str, **details: Any) -> Payment:
        """Claim "I have paid"; without `amount` the whole outstanding sum."""
        claim = {"amount": invoice["outstanding"], "manual_reference": reference, **details}
        return self.post(
            "billing/admin/payments/confirm/", invoice_id=invoice["id"], payment_method=payment_method, **claim
        )

    def consume(self, amount: int, reference: str, description: str = "") -> CreditEntry:
        """Use credits, once per reference."""
        return self.post("credits/consume/", amount=amount, reference=reference, description=description)

    # Staff

    def queue(self, **filters: str) -> Iterator[Payment]:
        return self.rows("billing/admin/payments/", **filters)

    def approve(self, payment: Payment, *, wait: int = 30, **details: Any) -> Payment:
        """Approve, and wait up to so many seconds until its effects are done."""
        path = f"billing/admin/payments/{payment['id']}/approve/"
        return self.post(path, headers={"Prefer": f"wait={wait}"}, **details)

    def reject(self, payment: Payment, reason_code: str, admin_notes: str = "") -> Payment:
        path = f"billing/admin/payments/{payment['id']}/reject/"
        return self.post(path, reason_code=reason_code, admin_notes=admin_notes)

    # Requests

    def get(self, path: str, **parameters: str) -> Any:
        return self._send("GET", path, params=parameters or None)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> Any:
        return self._send("POST", path, json=body, headers={"Idempotency-Key": str(uuid4()), **(headers or {})})

    def rows(self, path: str, **filters: str) -> Iterator[Any]:
        """All rows of a list, over its pages."""
        page = self.get(path, **filters)
        yield from page["results"]
        while page["next"]:
            page = self.get(page["next"])
            yield from page["results"]

    def _send(self, method: str, path: str, **request: Any) -> Any:
        for left in reversed(range(TRIES)):
            pause = 0.2 * 2 ** (TRIES - left)
            try:
                answer = self.http.request(method, path, **request)
            except httpx.TransportError:  # it may have arrived: the key makes the repetition harmless
                if not left:
                    raise
            else:
                if answer.is_success:
                    return answer.json() if answer.content else None
                refused = Refused(answer)
                if not left or not (refused.status in RETRIED or refused.slug == "idempotency-key-in-use"):
                    raise refused
                pause = max(pause, float(answer.headers.get("Retry-After", 0)))
            time.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")
