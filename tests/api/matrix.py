"""Who may do what: one row for each operation, and what each actor is answered.

nobody: no token. stranger: owner of another account, who asks with the ids of this one. clerk: staff without a
permission. reviewer: `review_payment`. approver: every duty with money. operator: `operate_effects`. root: a
superuser to whom nothing was granted. `own`: 200, and nothing of this account in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.scenario import ACTORS, Scenario
from tests.workflows.bank.statement_files import Row, camt

#    nobody stranger viewer member admin owner clerk reviewer approver operator root
MATRIX = {
    "POST auth/register/": "201 201 201 201 201 201 201 201 201 201 201",
    "POST auth/login/": "200 200 200 200 200 200 200 200 200 200 200",
    "POST auth/logout/": "401 204 204 204 204 204 204 204 204 204 204",
    "POST auth/logout-all/": "401 204 204 204 204 204 204 204 204 204 204",
    "POST auth/password/change/": "401 200 200 200 200 200 200 200 200 200 200",
    "POST auth/password/reset/": "202 202 202 202 202 202 202 202 202 202 202",
    "POST auth/password/reset/confirm/": "204 204 204 204 204 204 204 204 204 204 204",  # the link is enough
    "POST auth/email/verify/": "200 200 200 200 200 200 200 200 200 200 200",
    "PATCH auth/me/": "401 own 200 200 200 200 own own own own own",
    "GET auth/me/": "401 own 200 200 200 200 own own own own own",
    "GET plans/": "200 200 200 200 200 200 200 200 200 200 200",
    "GET industries/": "200 200 200 200 200 200 200 200 200 200 200",
    "GET billing/admin/payment-methods/": "200 200 200 200 200 200 200 200 200 200 200",
    # The account: its members read, owner and admin write.
    "GET account/": "401 own 200 200 200 200 404 404 404 404 404",
    "PATCH account/": "401 own 403 403 200 200 404 404 404 404 404",
    "POST account/close/": "401 400 403 403 403 200 404 404 404 404 404",  # 400: the stranger's has another name
    "GET account/members/": "401 own 200 200 200 200 404 404 404 404 404",
    "POST account/members/": "401 201 403 403 201 201 404 404 404 404 404",
    "PATCH account/members/{id}/": "401 404 403 403 200 200 404 404 404 404 404",
    "DELETE account/members/{id}/": "401 404 403 204 204 204 404 404 404 404 404",  # the member leaves
    "GET credits/": "401 200 200 200 200 200 404 404 404 404 404",
    "GET credits/entries/": "401 own 200 200 200 200 404 404 404 404 404",
    "POST credits/consume/": "401 409 201 201 201 201 404 404 404 404 404",  # 409: the stranger has paid nothing yet
    "GET billing/balance/": "401 200 200 200 200 200 404 404 404 404 404",
    # Sites: those who manage one change it.
    "GET sites/": "401 own 200 200 200 200 own 200 200 own 200",
    "POST sites/": "401 201 403 201 201 201 404 404 404 404 404",
    "GET sites/{id}/": "401 404 200 200 200 200 404 200 200 404 200",
    "PATCH sites/{id}/": "401 404 403 403 200 200 404 403 403 404 403",
    "DELETE sites/{id}/": "401 404 403 403 204 204 404 403 403 404 403",
    "GET sites/{id}/access/": "401 404 200 200 200 200 404 200 200 404 200",
    "POST sites/{id}/access/": "401 404 403 403 201 201 404 403 403 404 403",
    # Documents: members read, owner and admin act, staff with a duty read.
    "GET billing/invoices/": "401 own 200 200 200 200 own 200 200 own 200",
    "GET billing/invoices/{id}/": "401 404 200 200 200 200 404 200 200 404 200",
    "POST billing/invoices/{id}/links/": "401 404 403 403 201 201 404 201 201 404 403",
    "DELETE billing/invoices/{id}/links/": "401 404 403 403 204 204 404 204 204 404 403",
    "GET billing/subscriptions/": "401 own 200 200 200 200 own 200 200 own 200",
    "GET billing/subscriptions/{id}/": "401 404 200 200 200 200 404 200 200 404 200",
    "POST billing/subscriptions/": "401 201 403 403 201 201 404 404 404 404 404",
    "POST billing/subscriptions/{id}/cancel/": "401 404 403 403 200 200 404 403 403 404 403",
    "POST billing/subscriptions/{id}/keep/": "401 404 403 403 200 200 404 403 403 404 403",
    "GET billing/payments/": "401 own 200 200 200 200 own 200 200 own 200",
    "GET billing/payments/{id}/": "401 404 200 200 200 200 404 200 200 404 200",
    "GET billing/payments/{id}/transitions/": "401 404 200 200 200 200 404 200 200 404 200",
    "POST billing/payments/{id}/withdraw/": "401 404 403 403 200 200 404 403 403 404 403",
    "POST billing/admin/payments/confirm/": "401 404 403 403 201 201 404 403 403 404 403",
    "GET documents/": "401 own 200 200 200 200 own 200 200 own 200",
    "GET documents/{id}/": "401 404 200 200 200 200 404 200 200 404 200",
    "GET documents/{id}/file/": "401 404 200 200 200 200 404 200 200 404 200",
    "POST documents/statements/": "401 201 403 403 201 201 404 404 404 404 404",
    "POST documents/proformas/": "401 201 403 403 201 201 404 404 404 404 404",
    # Staff, by the permission of the verb; a superuser needs it too.
    "GET billing/admin/payments/": "401 403 403 403 403 403 403 200 200 403 403",
    "GET billing/admin/accounts/": "401 403 403 403 403 403 403 200 200 403 403",
    "GET billing/admin/documents/": "401 403 403 403 403 403 403 200 200 403 403",
    "POST billing/admin/documents/": "401 403 403 403 403 403 403 201 201 403 403",
    "POST billing/admin/documents/{id}/send/": "401 403 403 403 403 403 403 202 202 403 403",
    "POST billing/admin/accounts/{id}/close/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/record/": "401 403 403 403 403 403 403 201 201 403 403",
    "POST billing/admin/payments/{id}/approve/": "401 404 403 403 403 403 403 403 202 403 403",
    "POST billing/admin/payments/{id}/reject/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/bulk-approve/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/bulk-reject/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/{id}/reverse/": "401 404 403 403 403 403 403 403 202 403 403",
    "POST billing/admin/invoices/{id}/void/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/invoices/{id}/write-off/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/credits/adjust/": "401 403 403 403 403 403 403 403 201 403 403",
    # The bank.
    "GET billing/admin/statements/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/statements/": "401 403 403 403 403 403 403 403 202 403 403",
    "GET billing/admin/statements/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    "GET billing/admin/bank-lines/": "401 403 403 403 403 403 403 403 200 403 403",
    "GET billing/admin/bank-lines/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/bank-lines/{id}/match/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/bank-lines/{id}/unmatch/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/bank-lines/{id}/ignore/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/bank-lines/{id}/return/": "401 403 403 403 403 403 403 403 200 403 403",
    "GET billing/admin/bank-accounts/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/bank-accounts/": "401 403 403 403 403 403 403 403 201 403 403",
    "GET billing/admin/bank-accounts/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    "PATCH billing/admin/bank-accounts/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    # What each of these would bring about: asked by who may do it, and answered as they would be.
    "POST billing/admin/payments/{id}/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/{id}/approve/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/{id}/reject/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/{id}/reverse/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/bulk-approve/preview/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/payments/bulk-reject/preview/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/invoices/{id}/void/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/invoices/{id}/write-off/preview/": "401 404 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/credits/adjust/preview/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/accounts/{id}/close/preview/": "401 403 403 403 403 403 403 403 200 403 403",
    # Credit notes.
    "GET billing/admin/credit-notes/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/credit-notes/": "401 403 403 403 403 403 403 403 201 403 403",
    "GET billing/admin/credit-notes/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/credit-notes/{id}/issue/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/credit-notes/{id}/cancel/": "401 403 403 403 403 403 403 403 200 403 403",
    # Refunds.
    "GET billing/admin/refunds/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/": "401 403 403 403 403 403 403 403 201 403 403",
    "GET billing/admin/refunds/payout-file/": "401 403 403 403 403 403 403 403 200 403 403",
    "GET billing/admin/refunds/{id}/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/{id}/approve/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/{id}/sent/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/{id}/settled/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/{id}/fail/": "401 403 403 403 403 403 403 403 200 403 403",
    "POST billing/admin/refunds/{id}/cancel/": "401 403 403 403 403 403 403 403 200 403 403",
    # The engine's own door.
    "GET workflows/machines/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/transitions/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/batches/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/effects/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/effects/{id}/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/effects/{id}/retry/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/effects/{id}/skip/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/effects/bulk-retry/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/failures/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/pauses/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/pauses/": "401 403 403 403 403 403 403 403 403 201 201",
    "POST workflows/pauses/{id}/let-go/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/pauses/{id}/resume/": "401 403 403 403 403 403 403 403 403 200 200",
    "GET workflows/rates/": "401 403 403 403 403 403 403 403 403 200 200",
    "POST workflows/rates/": "401 403 403 403 403 403 403 403 403 200 200",
}

# What `{id}` is, by what stands before it.
NOUNS = {
    "account/members/": "member",
    "sites/": "site",
    "billing/invoices/": "invoice",
    "documents/": "document",
    "billing/admin/documents/": "document",
    "billing/admin/invoices/": "invoice",
    "billing/admin/accounts/": "account",
    "billing/subscriptions/": "subscription",
    "billing/payments/": "claim",
    "billing/admin/payments/": "claim",
    "billing/admin/statements/": "statement",
    "billing/admin/bank-lines/": "line",
    "billing/admin/bank-accounts/": "bank account",
    "POST billing/admin/bank-lines/{id}/unmatch/": "matched line",
    "POST billing/admin/bank-lines/{id}/return/": "outgoing line",
    "billing/admin/credit-notes/": "credit note",
    "billing/admin/refunds/": "refund",
    "POST billing/admin/refunds/{id}/sent/": "approved refund",
    "POST billing/admin/refunds/{id}/settled/": "sent refund",
    "POST billing/admin/refunds/{id}/fail/": "sent refund",
    "workflows/effects/": "effect",
    "workflows/pauses/": "pause",
    "POST billing/admin/payments/{id}/reverse/": "settled",
    "POST billing/admin/payments/{id}/reverse/preview/": "settled",
}

# A valid body for each operation that takes one.
BODIES: dict[str, Callable[[Scenario], dict[str, Any]]] = {
    "POST auth/register/": lambda scenario: {
        "email": "new@example.test",
        "password": scenario.more["password"],
        "account_name": "New",
    },
    "POST auth/login/": lambda scenario: {"email": scenario.more["email"], "password": scenario.more["password"]},
    "POST auth/logout/": lambda scenario: {},
    "POST auth/logout-all/": lambda scenario: {},
    "PATCH auth/me/": lambda scenario: {"name": "Another name"},
    "POST auth/password/change/": lambda scenario: {
        "old_password": scenario.more["password"],
        "new_password": "staple battery horse",
    },
    "POST auth/password/reset/": lambda scenario: {"email": scenario.more["email"]},
    "POST auth/password/reset/confirm/": lambda scenario: {
        "token": scenario.more["reset link"],
        "password": "staple battery horse",
    },
    "POST auth/email/verify/": lambda scenario: {"token": scenario.more["verification link"]},
    "PATCH account/": lambda scenario: {"name": "Another name"},
    "POST account/close/": lambda scenario: {"account_name": "ours"},
    "POST account/members/": lambda scenario: {"email": "invited@example.test", "role": "viewer"},
    "PATCH account/members/{id}/": lambda scenario: {"role": "viewer"},
    "POST credits/consume/": lambda scenario: {"amount": 1, "reference": "matrix"},
    "POST sites/": lambda scenario: {"name": "Side Street", "industry": scenario.id("industry")},
    "PATCH sites/{id}/": lambda scenario: {"name": "Another name"},
    "POST sites/{id}/access/": lambda scenario: {"email": scenario.more["member email"], "role": "editor"},
    "POST billing/subscriptions/": lambda scenario: {
        "plan": "starter",
        "currency": "USD",
    },  # takes back what is chosen for later
    "POST billing/subscriptions/{id}/cancel/": lambda scenario: {},
    "POST billing/subscriptions/{id}/keep/": lambda scenario: {},
    "POST documents/statements/": lambda scenario: {"start": "2026-01-01", "end": "2026-01-31"},
    "POST documents/proformas/": lambda scenario: {"plan": "growth"},
    "POST billing/admin/documents/": lambda scenario: {"kind": "reminder", "invoice": scenario.id("invoice")},
    "POST billing/admin/documents/{id}/send/": lambda scenario: {},
    "POST billing/payments/{id}/withdraw/": lambda scenario: {},
    "POST billing/invoices/{id}/links/": lambda scenario: {"recipient": "payables@acme.test"},
    "POST billing/admin/payments/confirm/": lambda scenario: {
        "invoice_id": scenario.id("invoice"),
        "payment_method": "us_bank",
        "amount": "1.00",
        "manual_reference": "MATRIX",
    },
    "POST billing/admin/payments/record/": lambda scenario: {
        "invoice_id": scenario.id("invoice"),
        "payment_method": "us_bank",
        "amount": "1.00",
        "manual_reference": "MATRIX",
    },
    "POST billing/admin/payments/{id}/approve/": lambda scenario: {"admin_notes": "seen"},
    "POST billing/admin/payments/{id}/reject/": lambda scenario: {"reason_code": "not_received"},
    "POST billing/admin/payments/bulk-approve/": lambda scenario: {
        "ids": [scenario.id("claim"), scenario.id("missing")]
    },
    "POST billing/admin/payments/bulk-reject/": lambda scenario: {
        "ids": [scenario.id("claim"), scenario.id("missing")]
    },
    "POST billing/admin/payments/{id}/reverse/": lambda scenario: {"reason": "recalled"},
    "POST billing/admin/accounts/{id}/close/": lambda scenario: {"reason": "matrix"},
    "POST billing/admin/invoices/{id}/void/": lambda scenario: {},
    "POST billing/admin/invoices/{id}/write-off/": lambda scenario: {},
    "POST billing/admin/credits/adjust/": lambda scenario: {
        "account_id": scenario.id("account"),
        "amount": 5,
        "reason": "matrix",
    },
    "POST billing/admin/statements/": lambda scenario: {
        "file": SimpleUploadedFile("statement.xml", camt(Row("7.00", "matrix"), currency="USD")),
        "bank_account": scenario.id("bank account"),
    },
    "POST billing/admin/bank-lines/{id}/match/": lambda scenario: {
        "payments": [{"payment": scenario.id("claim"), "amount": "1.00"}]
    },
    "POST billing/admin/bank-lines/{id}/unmatch/": lambda scenario: {},
    "POST billing/admin/bank-lines/{id}/ignore/": lambda scenario: {"reason": "matrix"},
    "POST billing/admin/bank-lines/{id}/return/": lambda scenario: {"payment": scenario.id("settled")},
    "POST billing/admin/credit-notes/": lambda scenario: {
        "invoice": scenario.id("creditable"),
        "amount": "5.00",
        "reason": "matrix",
    },
    "POST billing/admin/credit-notes/{id}/issue/": lambda scenario: {},
    "POST billing/admin/credit-notes/{id}/cancel/": lambda scenario: {"ended_because": "matrix"},
    "POST billing/admin/refunds/": lambda scenario: {
        "account": scenario.id("rich"),
        "amount": "5.00",
        "currency": "USD",
        "reason": "overpaid",
        "payee_name": "Ann",
    },
    "POST billing/admin/refunds/{id}/approve/": lambda scenario: {},
    "POST billing/admin/refunds/{id}/sent/": lambda scenario: {"sent_on": "2026-03-04"},
    "POST billing/admin/refunds/{id}/settled/": lambda scenario: {},
    "POST billing/admin/refunds/{id}/fail/": lambda scenario: {"ended_because": "matrix"},
    "POST billing/admin/refunds/{id}/cancel/": lambda scenario: {"ended_because": "matrix"},
    "POST billing/admin/bank-accounts/": lambda scenario: {"name": "Matrix", "number": "42", "currency": "USD"},
    "PATCH billing/admin/bank-accounts/{id}/": lambda scenario: {"name": "Another name"},
    "POST workflows/effects/{id}/retry/": lambda scenario: {},
    "POST workflows/effects/{id}/skip/": lambda scenario: {"reason": "matrix"},
    "POST workflows/effects/bulk-retry/": lambda scenario: {},
    "POST workflows/pauses/": lambda scenario: {"scope": "lane", "name": "outward", "reason": "matrix"},
    "POST workflows/pauses/{id}/let-go/": lambda scenario: {"count": 1},
    "POST workflows/pauses/{id}/resume/": lambda scenario: {},
    "POST workflows/rates/": lambda scenario: {"throttle": "mail", "rate": "14/s"},
}
BODIES |= {
    name: BODIES[name.removesuffix("preview/")]
    for name in MATRIX
    if name.endswith("/preview/") and name.removesuffix("preview/") in BODIES
}
BODIES["POST billing/admin/payments/{id}/preview/"] = lambda scenario: {
    "verb": "approve",
    "inputs": {"admin_notes": "seen"},
}


def noun_of(name: str) -> str:
    """What the `{id}` of an operation is."""
    return NOUNS.get(name) or NOUNS[name.split(" ")[1].partition("{id}")[0]]


def actor_of(name: str) -> str:
    """Somebody who may do it."""
    row = dict(zip(ACTORS, MATRIX[name].split(), strict=True))
    return next(actor for actor in ("owner", "approver", "operator", "nobody") if row[actor].startswith("2"))
