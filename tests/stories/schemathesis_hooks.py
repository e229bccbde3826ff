"""What Schemathesis is told of our product: who asks, which rows there are, and what is no finding.

Loaded by `tests/stories/test_schemathesis.py` through SCHEMATHESIS_HOOKS; tokens and ids come from `fuzzing.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import schemathesis

FACTS = json.loads(Path(os.environ["FUZZING"]).read_text())
SEEN = Path(os.environ["FUZZING_SEEN"])
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEY = re.compile(r"[!-~]{1,255}")
next_token = {name: cycle(tokens) for name, tokens in FACTS["tokens"].items()}
next_id = {noun: cycle(keys) for noun, keys in FACTS["ids"].items()}
# By what stands in the address before the id.
NOUNS = {"members": "member", "sites": "site", "invoices": "invoice", "subscriptions": "subscription"}
NOUNS |= {"payments": "payment", "effects": "effect", "accounts": "closing", "pauses": "pause"}
NOUNS |= {"statements": "statement", "bank-lines": "line", "bank-accounts": "bank account", "refunds": "refund"}
NOUNS |= {"documents": "document", "credit-notes": "credit note"}
# What is well-formed may still be wrong for what is there, which no schema can say: a cursor that we did not sign, a
# plan that is not offered, another password than one's own, more digits than a currency has...
SEMANTIC = {"cursor", "plan", "payment_method", "currency", "amount", "amount_received", "allocations", "machine"}
SEMANTIC |= {"password", "new_password", "old_password", "token", "email", "billing_email", "time_zone", "industry"}
SEMANTIC |= {"address_line1", "city", "country", "postal_code", "tax_id", "state"}
SEMANTIC |= {"manual_reference", "paid_on", "payer_name", "reason_code"}
SEMANTIC |= {"file", "bank_account", "profile"}  # a statement that can be read, of an account that is there
SEMANTIC |= {"iban", "number", "bank", "automatic_limit", "payment_methods", "payments", "payment"}
SEMANTIC |= {"account", "payee_name", "payee_account", "payee_bank", "sent_on", "rules_by_hand"}
SEMANTIC |= {"invoice", "lines", "position"}  # of what is left to be credited
SEMANTIC |= {"start", "end", "interval"}  # of the kind of document that is asked for
SEMANTIC |= {"throttle", "rate", "scope", "name", "until", "cause"}  # of what is there to be slowed down or stopped
seen: Counter[tuple[str, int]] = Counter()


@schemathesis.auth(refresh_interval=None)
class Actor:
    """Somebody who may, so that a refusal is about the input."""

    def get(self, case: Any, ctx: Any) -> str:
        return next(next_token[actor_of(case.operation)])

    def set(self, case: Any, data: str, ctx: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


def actor_of(operation: Any) -> str:
    tag = operation.definition.raw["tags"][0]
    if tag == "auth":  # a token ends with signing out
        return "leaver"
    if operation.path.endswith("/v1/account/close/"):
        return "closer"
    return {"staff": "approver", "workflows": "operator"}.get(tag, "owner")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Put rows that are there in the place of well-formed ids that are nobody's; what is odd stays odd."""
    path = case.operation.path
    own = {"invoice": cycle(FACTS["own"]["invoice"])}
    if "{id}" in path and UUID.fullmatch(str((case.path_parameters or {}).get("id"))):
        noun = NOUNS[path.split("/{id}")[0].rpartition("/")[2]]
        case.path_parameters["id"] = next(next_id[noun])
    headers = kwargs.get("headers") or case.headers or {}
    if KEY.fullmatch(str(headers.get("Idempotency-Key", ""))):  # or most would be somebody else's
        headers["Idempotency-Key"] = str(uuid4())
    body = case.body
    if not isinstance(body, dict):
        return
    if path.endswith("/v1/account/close/") and isinstance(body.get("account_name"), str):
        body["account_name"] = "To be closed"
    known = {"invoice_id": "invoice", "industry": "industry", "account_id": "account", "account": "rich"}
    for name, noun in known.items():
        if UUID.fullmatch(str(body.get(name))):
            ids = own if "confirm" in path and name == "invoice_id" else next_id
            body[name] = next(ids[noun])
    if isinstance(body.get("payment_method"), str) and body["payment_method"].strip():
        body["payment_method"] = "us_bank" if len(body["payment_method"]) % 2 else body["payment_method"]


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop a refusal of well-formed data where every field that it names is judged by more than its form.

    Nor can a schema say that a key was used for something else before, or what stands deep in a payload of any shape;
    and an address that is too long is refused by the web server, which knows no operations.
    """
    if response.status_code == 414:
        return False
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    problem = response.json()
    if (
        problem["type"] == "/problems/idempotency-key-reused"
        or problem["detail"] == "The body contains control characters."
    ):
        return False
    return not set(problem.get("errors", {"": ""})) <= SEMANTIC


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    seen[f"{case.operation.method.upper()} {case.operation.path}", response.status_code] += 1
    SEEN.write_text(json.dumps([[name, status, count] for (name, status), count in seen.items()]))
