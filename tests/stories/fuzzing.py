"""What Schemathesis needs to get further than 401 and 404: tokens, and rows to speak of. Runs inside the product."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from django.db.transaction import atomic
from knox.models import AuthToken

from core.models import (
    Account,
    BankAccount,
    Document,
    Industry,
    Invoice,
    Membership,
    Payment,
    Plan,
    StatementFile,
    StatementLine,
    Subscription,
    User,
)
from engine import create_many, pause, perform
from engine.models import Effect
from tests.faults.data import claim
from tests.workflows.bank.statement_files import IBAN, Row, camt
from workflows.actions.credit_notes import write_credit_note
from workflows.actions.sites import open_site
from workflows.bank import import_statement
from workflows.refunds import Payee, request_refund
from workflows.settlement.balances import open_remainders
from workflows.settlement.credits import grant, post

STAFF = {"approver": "approver@demo.test", "operator": "operator@demo.test"}
MANY = 150
TO_BE_CLOSED = "To be closed"


def prepare(file: str) -> None:
    """Write tokens and ids as JSON."""
    claim(MANY)
    Plan.objects.update(max_sites=None, max_users=None)
    tokens = {name: [_token(User.objects.get(email=email))] for name, email in STAFF.items()}
    owner = User.objects.get(email="owner@demo.test")
    account = Account.objects.get(memberships__user=owner)
    with atomic():
        birth = perform(account.activate)
        account.refresh_from_db()
        post([grant(account, 10**9, key="fuzzing", description="", cause_id=birth.pk)])
        for n in range(MANY):
            person = User.objects.create(email=f"member{n}@fuzzing.test", password="!")
            Membership.objects.create(account=account, user=person, role="member")
    industry = Industry.objects.order_by("name")[0]
    sites = [open_site(account, name=f"Site {n}", industry=industry, by=owner) for n in range(MANY)]
    leavers = [User.objects.create(email=f"leaver{n}@fuzzing.test", password="!") for n in range(MANY)]
    # Accounts that are there to be closed, by an owner of their own or by staff.
    closing = [Account(name=TO_BE_CLOSED, status=Account.Status.PENDING_PAYMENT) for _ in range(2 * MANY)]
    create_many(closing)
    closers = [User.objects.create(email=f"closer{n}@fuzzing.test", password="!") for n in range(MANY)]
    for closer, own in zip(closers, closing[:MANY], strict=True):
        Membership.objects.create(account=own, user=closer, role="owner")
    refunds = _refunds()
    payments = _keys(Payment.objects.filter(status="pending_approval"))
    dead = _keys(Effect.objects.filter(state__in=["ready", "waiting"])[:MANY])
    Effect.objects.filter(pk__in=dead).update(state="dead", attempts=3, fence=3, last_error="ValueError: no")
    operator = User.objects.get(email=STAFF["operator"])
    pauses = [str(pause("tenant", str(uuid4()), by=operator, reason="for now").pk) for _ in range(MANY)]
    _write(
        file,
        tokens={
            **tokens,
            "owner": [_token(owner)],
            "leaver": [_token(leaver) for leaver in leavers],
            "closer": [_token(closer) for closer in closers],
        },
        ids={
            "account": [str(account.pk)],
            "closing": [str(row.pk) for row in closing[MANY:]],
            "invoice": _keys(Invoice.objects.filter(status="pending")),
            "subscription": _keys(Subscription.objects.filter(account=account)),
            "payment": payments,
            "industry": [str(industry.pk)],
            "member": _keys(account.memberships.filter(role="member")),
            "site": [str(site.pk) for site in sites],
            "effect": dead,
            "pause": pauses,
            **_bank(User.objects.get(email=STAFF["approver"])),
            **refunds,
            "credit note": _credit_notes(),
            "document": _documents(),
        },
        own={"invoice": _keys(account.invoices.filter(status="pending"))},
    )


def _bank(bookkeeper: User) -> dict[str, list[str]]:
    account = BankAccount.objects.create(name="Fuzzing", iban=IBAN, currency="USD")
    content = camt(*(Row("1.00", f"{n}") for n in range(MANY)), currency="USD")
    file, _ = import_statement(content, name="fuzzing.xml", by=bookkeeper)
    while file.status == StatementFile.Status.QUEUED:  # until a worker has read it
        time.sleep(0.1)
        file.refresh_from_db()
    lines = StatementLine.objects.filter(bank_account=account)
    return {"bank account": [str(account.pk)], "statement": [str(file.pk)], "line": _keys(lines)}


def _documents() -> list[str]:
    """Of an account of the owner, else keys of none."""
    made = Document.objects.made().order_by("-pk").values_list("pk", flat=True)[:MANY]
    return [str(key) for key in made] or [str(uuid4())]


def _credit_notes() -> list[str]:
    """Drafts, each of an invoice of its own."""
    clerk = User.objects.get(email="reviewer@demo.test")
    invoices = Invoice.objects.filter(status="pending").order_by("-pk")[:MANY]
    return [str(write_credit_note(each, amount=Decimal(1), reason="Fuzzing", by=clerk).pk) for each in invoices]


def _refunds() -> dict[str, list[str]]:
    """Of money that no invoice needs, requested by somebody else than who is to approve them."""
    payment = Payment.objects.filter(status="pending_approval").select_related("account").latest("pk")
    perform(payment.approve, by=User.objects.get(email=STAFF["approver"]), received=payment.amount + 100_000)
    while not open_remainders(payment.account_id, payment.currency):  # until a worker has settled it
        time.sleep(0.1)
    facts = {"currency": payment.currency, "payee": Payee("Ann"), "reason": "overpaid"}
    clerk = User.objects.get(email="reviewer@demo.test")
    refunds = [request_refund(payment.account, amount=Decimal(1), by=clerk, **facts) for _ in range(MANY)]
    return {"rich": [str(payment.account_id)], "refund": [str(refund.pk) for refund in refunds]}


def _token(user: User) -> str:
    token: str = AuthToken.objects.create(user)[1]
    return token


def _keys(rows: object) -> list[str]:
    return [str(key) for key in rows.values_list("pk", flat=True)]  # type: ignore[attr-defined]


def _write(file: str, **facts: object) -> None:
    Path(file).write_text(json.dumps(facts))
