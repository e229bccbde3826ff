from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import IntegrityError
from django.db.transaction import atomic

from core.models import Account, Invoice, InvoiceLine, PaymentMethod, Plan, Policy, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import Terms
from core.money import money_text, quantize
from core.payees.references import new_reference
from engine import create, perform
from engine.models import Transition
from workflows.documents.numbers import next_number
from workflows.lifecycle.billing_lines import bill
from workflows.lifecycle.due_days import first_due_on, renewal_due_on, renewal_issued_on
from workflows.periods import database_now, period_end, today_in


def issue_invoice(
    account: Account,
    *,
    amount: Decimal,
    subscription: Subscription,
    cause: Transition | None,
    method: PaymentMethod | None,
    purpose: Invoice.Purpose = Invoice.Purpose.FIRST,
    period: tuple[date, date] | None = None,
    due_on: date | None = None,
    terms: Terms | None = None,
) -> Invoice:
    """Issue an invoice with the next number, today's date, and the seller and billing details of now.

    amount: with or without tax, as the terms' price is, in the subscription's currency.
    period: None: the period that begins when it is paid. due_on: None: after the method's usual days.
    terms: None: the subscription's own. They are stored with the invoice, since the catalogue changes.
    """
    terms = terms or subscription.terms
    plan = Plan.objects.get(pk=terms.plan_id)
    price = money_text(terms.price, subscription.currency)
    today = today_in(account.time_zone, database_now())
    billed = bill(account, subscription, plan, terms, amount=amount, purpose=purpose, period=period, on=today)
    invoice = Invoice(
        account=account,
        subscription=subscription,
        currency=subscription.currency,
        net=billed.calculation.net,
        tax=billed.calculation.tax,
        total=billed.calculation.total,
        tax_details=billed.details(),
        seller=billed.seller,
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
                **({"method": method.name} if method else {}),
            },
        },
    )
    birth = _create(invoice, cause)
    InvoiceLine.objects.bulk_create(billed.lines(invoice))
    number = next_number("invoice", on=today)
    perform(
        invoice.issue,
        cause=birth,
        number=number.text,
        series=number.series,
        count=number.count,
        issued_on=today,
        due_on=due_on or first_due_on(today, Policy.current()),
        snapshot={
            **account.billing_snapshot(),
            "plan": plan.code,
            "price": price,
            "currency": subscription.currency,
        },
    )
    return invoice


def _create(invoice: Invoice, cause: Transition | None) -> Transition:
    """Draw another payment reference if its own is taken.

    With a million invoices that is one draw in seven million. The database finds it, so nothing is asked beforehand;
    the savepoint keeps what the caller did.
    """
    try:
        with atomic():
            return create(invoice, cause=cause, total=invoice.total, currency=invoice.currency)  # see an invariant
    except IntegrityError as error:
        if "invoice_payment_reference_once" not in str(error):
            raise
    invoice.payment_reference = new_reference()
    return create(invoice, cause=cause, total=invoice.total, currency=invoice.currency)


def issue_renewal(account: Account, subscription: Subscription, *, cause: Transition | None) -> Invoice | None:
    """Issue the invoice of the next period on its agreed terms; None if nothing is to be invoiced.

    The caller has locked the account. The database refuses a second invoice for the period.
    """
    start, terms = subscription.period_end, subscription.next_terms
    if terms.price == 0 or start is None or subscription.cancel_at_period_end:
        return None
    if renewals_of(subscription).exclude(status=Invoice.Status.VOID).exists():
        return None
    assert subscription.anchor_day is not None
    return issue_invoice(
        account,
        amount=terms.price,
        subscription=subscription,
        cause=cause,
        method=account.default_payment_method,
        purpose=Invoice.Purpose.RENEWAL,
        period=(start, period_end(start, terms.interval, subscription.anchor_day)),
        due_on=renewal_due_on(start, today_in(account.time_zone, database_now())),
        terms=terms,
    )


def replace_renewal(account: Account, subscription: Subscription, *, cause: Transition | None) -> None:
    """After a change of the next terms: void and reissue the renewal invoice, if nothing of it is paid.

    If none was issued because the subscription was to end, issue it if its day has passed.
    """
    assert subscription.period_end is not None
    for invoice in renewals_of(subscription).filter(status=Invoice.Status.PENDING).select_for_update(no_key=True):
        perform(invoice.lapse, cause=cause)
        issue_renewal(account, subscription, cause=cause)
    issued_on = renewal_issued_on(subscription.period_end, Policy.current())
    if today_in(account.time_zone, database_now()) >= issued_on:
        issue_renewal(account, subscription, cause=cause)


def renewals_of(subscription: Subscription) -> InvoiceQuerySet:
    """Invoices of the next period: at most one that is not void."""
    return Invoice.objects.filter(
        subscription=subscription, purpose=Invoice.Purpose.RENEWAL, period_start=subscription.period_end
    )
