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
    """period: None: the one that begins when it is paid. due_on: None: after the policy's days.

    terms: None: the subscription's; stored, since the catalogue changes.
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
    birth = create(invoice, cause=cause, total=invoice.total, currency=invoice.currency)  # compared by an invariant
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
    """to_balance: a partial payment goes to the balance first, unless the service was given.

    Raises WrongState if it is paid, over, or has money on it.
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
    """Transitions, and `void` if its money may go to the balance first."""
    verbs = available(invoice, user)
    if invoice.holds_part_of_what_is_not_given and invoice.may_be_voided_by(user):
        verbs = sorted({*verbs, "void"})
    return verbs


def _next_number(series: str) -> str:
    # The row stays locked until the invoice commits, so numbers have no gaps.
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO core_numberseries AS series (code, next) VALUES (%s, 2)
               ON CONFLICT (code) DO UPDATE SET next = series.next + 1 RETURNING next - 1""",
            [series],
        )
        number: int = cursor.fetchone()[0]
    return f"{series}-{number:06}"
