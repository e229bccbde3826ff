from __future__ import annotations

import email
import email.policy
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.http_client import http_client

T = TypeVar("T")

PASSWORD = "demo-demo-demo"
BILLING = {
    "billing_email": "bills@acme.test",
    "address_line1": "1 High Street",
    "address_line2": "Suite 5",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
    "tax_id": "12-3456789",
}


class Person:
    """Somebody with a token, or nobody."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body or {}, headers=self.headers | headers)


class ApiClient:
    def __init__(self, url: str, *, mail: Path) -> None:
        self.http = http_client(base_url=f"{url}/api/v1/", timeout=40)
        self.mail = mail

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def anybody(self) -> Person:
        return Person(self.http)

    def signed_in(self, address: str) -> Person:
        answer = self.anybody().post("auth/login/", {"email": address, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Person(self.http, answer.json()["token"])

    def signed_up(self, address: str, **fields: Any) -> tuple[Person, dict[str, Any]]:
        form = {"email": address, "password": PASSWORD, "account_name": "Acme", **fields}
        answer = self.anybody().post("auth/register/", form)
        assert answer.status_code == 201, answer.text
        return Person(self.http, answer.json()["token"]), answer.json()

    def mails(self, kind: str, to: str) -> list[EmailMessage]:
        """The mails of that kind to that address, as they lie in the folder."""
        found = []
        for file in self.mail.glob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            if message["X-Countersign-Kind"] == kind and to in message["To"]:
                found.append(message)
        return found


def eventually(look: Callable[[], T], *, within: float = 15) -> T:
    """What `look` sees as soon as it is something; fails when it stays nothing."""
    deadline = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return seen
