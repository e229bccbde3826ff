"""Money that staff have accepted finds its place."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from core.models import (
    Account,
    Allocation,
    BalanceEntry,
    CreditEntry,
    Effect,
    Invoice,
    Payment,
    Plan,
    Subscription,
)
from workflows.books import Books, open_books
from workflows.engine import Step, because, effect, perform_many
from workflows.ledger import grant, post
from workflows.periods import database_now, period_end, today_in

TAKES_MONEY = {*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE}
OPENS_ON_PAYMENT = {Account.Status.TRIAL, Account.Status.PENDING_PAYMENT}


@effect("payment.settle", batch=100)
def settle_payments(payments: Sequence[Payment], effects: Sequence[Effect]) -> None:
    """Allocate approved money and open what it pays for.

    A second run finds nothing to do: it is only reached from `approved`, and allocations, balance lines and
    grants are unique on what they are for.
    """
    books = open_books(payments)
    plans = Plan.objects.in_bulk([subscription.plan_id for subscription in books.subscriptions.values()])
    settlement = Settlement(books, plans)
    for payment, effect_ in zip(payments, effects, strict=True):
        settlement.add(books.payments[payment.pk], effect_)
    settlement.write()


class Settlement:
    """What a set of approved payments brings about, worked out in memory on locked rows, then written at once."""

    def __init__(self, books: Books, plans: dict[object, Plan]) -> None:
        self.books = books
        self.plans = plans
        self.now = database_now()
        self.allocations: list[Allocation] = []
        self.balance_entries: list[BalanceEntry] = []
        self.credit_entries: list[CreditEntry] = []
        self.steps: list[Step] = []
        self.taken: dict[object, Decimal] = {}  # per invoice: by earlier payments of this set
        self.opened: set[object] = set()  # subscriptions and accounts

    def add(self, payment: Payment, cause: Effect) -> None:
        """Allocate one payment; what the invoice does not need goes to the customer's balance."""
        assert payment.received is not None, "an approved payment says what was received"
        invoice = self.books.invoices[payment.invoice_id]
        amount = self._allocatable(payment, invoice)
        self.steps.append(because(cause, payment.settle))
        if amount > 0:
            self.taken[invoice.pk] = self.taken.get(invoice.pk, Decimal(0)) + amount
            self.allocations.append(
                Allocation(account_id=payment.account_id, payment=payment, invoice=invoice, amount=amount)
            )
            self.steps.append(because(cause, invoice.pay, amount=amount))
        if payment.received > amount:
            self.balance_entries.append(
                BalanceEntry(
                    account_id=payment.account_id,
                    payment=payment,
                    currency=payment.currency,
                    amount=payment.received - amount,
                    key=f"payment:{payment.pk}",
                )
            )
        if amount > 0 and invoice.allocated + self.taken[invoice.pk] == invoice.total:
            self._open(invoice, cause)

    def write(self) -> None:
        Allocation.objects.bulk_create(self.allocations)
        BalanceEntry.objects.bulk_create(self.balance_entries)
        perform_many(self.steps)
        post(self.credit_entries)

    def _allocatable(self, payment: Payment, invoice: Invoice) -> Decimal:
        """Money is never refused because a document is closed; it is just not allocated to it."""
        if invoice.status not in TAKES_MONEY or payment.currency != invoice.currency:
            return Decimal(0)
        assert payment.received is not None
        return min(payment.received, invoice.outstanding - self.taken.get(invoice.pk, Decimal(0)))

    def _open(self, invoice: Invoice, cause: Effect) -> None:
        """The invoice is paid: start the subscription it is for, its account, and grant the period's credits."""
        subscription = self.books.subscriptions.get(invoice.subscription_id)  # type: ignore[arg-type]
        account = self.books.accounts[invoice.account_id]
        if subscription is None or subscription.pk in self.opened:
            return
        if subscription.status != Subscription.Status.PENDING_PAYMENT:
            return
        start = today_in(account.time_zone, self.now)
        end = period_end(start, subscription.interval, start.day)
        self.steps.append(because(cause, subscription.activate, on=start, until=end))
        self.opened.add(subscription.pk)
        if account.status in OPENS_ON_PAYMENT and account.pk not in self.opened:
            self.steps.append(because(cause, account.activate))
            self.opened.add(account.pk)
        plan = self.plans[subscription.plan_id]
        self.credit_entries.append(
            grant(
                account,
                plan.credits,
                key=f"grant:{subscription.pk}:{start}",
                description=f"{plan.name}, {start} to {end}",
                cause_id=cause.transition_id,
            )
        )
