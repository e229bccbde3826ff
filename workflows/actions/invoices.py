"""Demands for money, numbered without a gap."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import connection

from core.models import Account, Invoice, PaymentMethod, Plan, Policy, Subscription, Transition
from core.money import money_text
from workflows.engine import begin, perform
from workflows.periods import database_now, today_in


def issue_invoice(
    account: Account,
    *,
    total: Decimal,
    subscription: Subscription,
    cause: Transition | None,
    method: PaymentMethod | None,
    purpose: Invoice.Purpose = Invoice.Purpose.FIRST,
    period: tuple[date, date] | None = None,
    due_on: date | None = None,
    plan: Plan | None = None,
    price: Decimal | None = None,
    metadata: dict[str, str] | None = None,
) -> Invoice:
    """Demand money for a subscription: the next number, today's date, the customer's details as they are.

    period: what it pays for; None: the period that begins when it is paid. due_on: None: after the usual days.
    plan, price: what it pays for; None: the subscription's own.
    """
    price = subscription.price if price is None else price
    invoice = Invoice(
        account=account,
        subscription=subscription,
        currency=subscription.currency,
        total=total,
        payment_method=method,
        purpose=purpose,
        period_start=period and period[0],
        period_end=period and period[1],
        metadata={"subscription_id": str(subscription.pk), **(metadata or {})},
    )
    birth = begin(invoice, cause=cause)
    today = today_in(account.time_zone, database_now())
    perform(
        invoice.issue,
        cause=birth,
        number=_next_number("INV"),
        issued_on=today,
        due_on=due_on or today + timedelta(days=Policy.current().days_to_pay),
        snapshot={
            **account.billing_snapshot(),
            "plan": (plan or subscription.plan).code,
            "price": money_text(price, subscription.currency),
            "currency": subscription.currency,
        },
    )
    return invoice


def _next_number(series: str) -> str:
    """INV-000001, INV-000002...: the row's lock is held until the invoice commits, so no number is lost."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_numberseries AS series (code, next) VALUES (%s, 2)
               ON CONFLICT (code) DO UPDATE SET next = series.next + 1 RETURNING next - 1""",
            [series],
        )
        number: int = cursor.fetchone()[0]
    return f"{series}-{number:06}"
