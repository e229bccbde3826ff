"""Demands for money, numbered without a gap."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import connection
from django.db.transaction import atomic

from core.models import Account, Invoice, PaymentMethod, Plan, Policy, Subscription, User
from core.models.subscription import Terms
from core.money import money_text, quantize
from core.problems import PermissionDenied
from engine import available, create, perform
from engine.models import Transition
from workflows.periods import database_now, today_in
from workflows.settlement.locking import lock_rows_for
from workflows.settlement.settle import Settlement


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
    terms: Terms | None = None,
) -> Invoice:
    """Demand money for a subscription: the next number, today's date, the customer's details as they are.

    total: rounded to the minor units of the subscription's currency.
    period: what it pays for; None: the period that begins when it is paid. due_on: None: after the usual days.
    terms: what it pays for; None: the subscription's own. They are kept with the invoice, for the catalogue moves.
    """
    terms = terms or subscription.terms
    plan = Plan.objects.get(pk=terms.plan_id)
    price = money_text(terms.price, subscription.currency)
    invoice = Invoice(
        account=account,
        subscription=subscription,
        currency=subscription.currency,
        total=quantize(total, subscription.currency),
        payment_method=method,
        purpose=purpose,
        period_start=period and period[0],
        period_end=period and period[1],
        plan=plan,
        plan_price=quantize(terms.price, subscription.currency),
        plan_credits=terms.credits,
        plan_interval=terms.interval,
        metadata={
            "subscription_id": str(subscription.pk),
            "agreed": {
                "customer": account.name,
                "plan_id": str(plan.pk),
                "plan": plan.name,
                "price": price,
                "credits": terms.credits,
                "interval": terms.interval,
            },
        },
    )
    birth = create(invoice, cause=cause, total=invoice.total, currency=invoice.currency)  # a law compares them
    today = today_in(account.time_zone, database_now())
    perform(
        invoice.issue,
        cause=birth,
        number=_next_number("INV"),
        issued_on=today,
        due_on=due_on or today + timedelta(days=Policy.current().days_to_pay),
        snapshot={
            **account.billing_snapshot(),
            "plan": plan.code,
            "price": price,
            "currency": subscription.currency,
        },
    )
    return invoice


def void_invoice(invoice: Invoice, *, by: User, reason: str = "", to_balance: bool = False) -> Invoice:
    """Say that it should not have been issued.

    to_balance: what was paid of it in part goes to the customer's balance first, unless what it is for was given.
    Raises PermissionDenied, WrongState for one that is paid or over, or that money is still on.
    """
    if not invoice.may_be_voided_by(by):
        raise PermissionDenied("You may not void this invoice.")
    with atomic():
        settlement = Settlement(lock_rows_for([], invoices=[invoice]))
        row = settlement.locked.invoices[invoice.pk]
        if to_balance and row.holds_part_of_what_is_not_given:
            settlement.release([row], None)
            settlement.write()
        perform(row.void, by=by, reason=reason)
    return row


def available_to(invoice: Invoice, user: User) -> list[str]:
    """What this user may do with it now: its transitions, and `void` where its money may go to the balance first."""
    verbs = available(invoice, user)
    if invoice.holds_part_of_what_is_not_given and invoice.may_be_voided_by(user):
        verbs = sorted({*verbs, "void"})
    return verbs


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
