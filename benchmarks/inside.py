"""Executes the rig's commands, such as `{"what": "approve", ...}`, through the product's own code."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import django

django.setup()

from django.db.models.functions import Now  # noqa: E402
from django.test import Client  # noqa: E402
from knox.models import AuthToken  # noqa: E402

from benchmarks.json_command_loop import answer_commands  # noqa: E402
from core.models import Payment, PaymentMethod, Plan, User  # noqa: E402
from engine import perform, run_due, sweep  # noqa: E402
from engine.ids import uuid7  # noqa: E402
from engine.models import Effect, Transition  # noqa: E402
from engine.raw_queries import CompiledQuery  # noqa: E402
from engine.worker import notifications  # noqa: E402
from workflows.actions import claim_payment, decide_many, sign_up  # noqa: E402

PAYMENTS = CompiledQuery(Payment._base_manager.all())
BILLING = {
    "billing_email": "bills@example.test",
    "address_line1": "1 High Street",
    "address_line2": "",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
    "tax_id": "",
}


def template(settled: bool) -> dict[str, Any]:
    """A customer who claims a first invoice; settled: the claim was approved, with all that follows."""
    method = PaymentMethod.objects.get(code="us_bank")
    plan = Plan.objects.get(code="starter")
    name = "settled" if settled else "claim"
    signed_up = sign_up(
        email=f"{name}@example.test",
        password="correct horse battery",  # noqa: S106
        account_name="Customer Ltd",
        plan=plan.code,
        currency="USD",
        billing=BILLING,
        payment_method=method.code,
    )
    invoice = signed_up.invoice
    assert invoice is not None
    payment = claim_payment(
        invoice=invoice,
        method=method,
        amount=invoice.total,
        currency="USD",
        reference=f"WIRE {name}",
        by=signed_up.user,
    )
    pay_everything()
    if settled:
        perform(payment.approve, by=approver())
        pay_everything()
    assert not Effect.objects.exclude(state__in=["done", "waiting"]).exists()
    return {
        "account": signed_up.account.pk,
        "subscription": invoice.subscription_id,
        "invoice": invoice.pk,
        "payment": payment.pk,
        "staff": approver().pk,
    }


def _payment(key: UUID) -> Payment:
    """Read as the product reads it, so that perform() is measured."""
    return PAYMENTS.ask([key]).objects[0]


def approve(base: int, tail: str, first: int, count: int, rate: float = 0, stride: int = 1) -> dict[str, float]:
    """Each by its own perform(), `rate` a second or as fast as it goes."""
    staff = approver()
    started, used = time.monotonic(), time.process_time()
    for done, n in enumerate(range(first, first + count * stride, stride)):
        if rate:
            time.sleep(max(0.0, started + done / rate - time.monotonic()))
        perform(_payment(UUID(f"{base + n:012x}{tail}")).approve, by=staff)
    return {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}


def approve_bulk(base: int, tail: str, first: int, count: int, at_once: int) -> dict[str, float]:
    """As the admin's action on so many selected rows does."""
    staff = approver()
    started, used = time.monotonic(), time.process_time()
    for start in range(first, first + count, at_once):
        keys = [UUID(f"{base + n:012x}{tail}") for n in range(start, min(start + at_once, first + count))]
        for _, outcome in decide_many(keys, "approve", by=staff):
            assert isinstance(outcome, Payment), outcome
    return {"cpu": time.process_time() - used, "seconds": time.monotonic() - started}


def notify(count: int) -> dict[str, bool]:
    return {"notified": notifications.notify([uuid7()] * count)}


def settlements(base: int, tail: str, first: int, count: int) -> list[float]:
    """One claim after the other, with all that follows."""
    staff, taken = approver(), []
    for n in range(first, first + count):
        started = time.perf_counter()
        perform(_payment(UUID(f"{base + n:012x}{tail}")).approve, by=staff)
        while run_due():
            pass
        taken.append(_since(started))
    return taken


def reminders(first: int, count: int, base: int, tail: str) -> list[float]:
    """The sweep when so many invoices are due, the handlers, and the mails."""
    keys = [UUID(f"{base + n:012x}{tail}") for n in range(first, first + count)]
    # Has an index; a look at all effects would leave nothing else in memory.
    issued = Transition.objects.filter(machine="invoice", object_id__in=keys)
    due = Effect.objects.filter(transition__in=issued, kind="invoice.chase", state="waiting")
    assert due.update(run_at=Now()) == count
    started = time.perf_counter()
    for ids in sweep():
        run_due(ids)
    while run_due():
        pass
    taken = _since(started)
    sent = Effect.objects.filter(key__in=[f"reminder:{key}:0" for key in keys], state="done")  # along an index
    assert sent.count() == count
    return [taken]


def pages(path: str, account: str = "", count: int = 10) -> list[float]:
    user = User.objects.get(membership__account=account) if account else approver()
    _, token = AuthToken.objects.create(user)
    client, taken = Client(headers={"Authorization": f"Bearer {token}", "Host": "localhost"}), []
    for _ in range(count):
        started = time.perf_counter()
        answer = client.get(f"/api/v1/{path}")
        taken.append(_since(started))
        assert answer.status_code == 200, answer.content
    return taken


def token(account: str = "") -> str:
    """The token of the approver, or of an account's owner."""
    user = User.objects.get(membership__account=account) if account else approver()
    _, word = AuthToken.objects.create(user)
    return str(word)


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def pay_everything() -> int:
    paid = 0
    while claimed := sum(run_due(ids) for ids in sweep()) + run_due():
        paid += claimed
    return paid


def approver() -> User:
    return User.objects.get(email="approver@demo.test")


if __name__ == "__main__":
    answer_commands(
        template=template,
        approve=approve,
        approve_bulk=approve_bulk,
        notify=notify,
        settlements=settlements,
        reminders=reminders,
        pages=pages,
        token=token,
    )
