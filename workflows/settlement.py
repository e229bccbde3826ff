"""What a set of money brings about, worked out in memory on locked rows, then written at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum

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
from core.statements import pipelined
from workflows.books import LIVING, Books
from workflows.engine import Step, because, perform_many
from workflows.ledger import adjustment, grant, post
from workflows.periods import credits_of, months_left, period_end, today_in

TAKES_MONEY = {*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE}
OPENS_ON_PAYMENT = {
    Account.Status.TRIAL,
    Account.Status.PENDING_PAYMENT,
    Account.Status.PAST_DUE,
    Account.Status.SUSPENDED,
    Account.Status.EXPIRED,
}


class Settlement:
    """Collects allocations, balance lines, steps and grants; `write` makes them true together."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.plans, self.methods, self.now = books.plans, books.methods, books.now
        self.plans_by_code = {plan.code: plan for plan in self.plans.values()}
        self.allocations: list[Allocation] = []
        self.balance_entries: list[BalanceEntry] = []
        self.credit_entries: list[CreditEntry] = []
        self.steps: list[Step] = []
        self.taken: dict[UUID, Decimal] = defaultdict(Decimal)  # per invoice, by what came earlier in this set
        self.paid: set[UUID] = set()
        self.opened: set[UUID] = set()

    def settle(self, payment: Payment, cause: Effect) -> None:
        """Allocate one approved payment; what no invoice needs goes to the customer's balance."""
        assert payment.received is not None, "an approved payment says what was received"
        self.steps.append(because(cause, payment.settle))
        left = payment.received
        for invoice, wanted in self._plan(payment):
            left -= self._allocate(payment, invoice, min(wanted, left), payment.currency, cause)
        if left > 0:
            self._to_balance(payment, left, f"payment:{payment.pk}")

    def use_balance(self, payment: Payment, left: Decimal, invoice: Invoice, cause: Effect) -> None:
        """Pay an invoice with what an earlier payment has left."""
        if invoice.allocations.filter(payment=payment).exists():
            return  # it gave once: one line for a payment and an invoice
        used = self._allocate(payment, invoice, left, payment.currency, cause)
        if used > 0:
            self._to_balance(payment, -used, f"payment:{payment.pk}:invoice:{invoice.pk}")

    def begin_period(self, subscription: Subscription, invoice: Invoice, cause: Effect) -> None:
        """Start a period that was paid for ahead."""
        self._renew(subscription, self.books.accounts[invoice.account_id], invoice, cause)

    def write(self) -> None:
        with pipelined():
            Allocation.objects.bulk_create(self.allocations)
            BalanceEntry.objects.bulk_create(self.balance_entries)
            post(self.credit_entries)
            perform_many(self.steps)

    def _plan(self, payment: Payment) -> list[tuple[Invoice, Decimal]]:
        """Where staff said the money goes; without a word of theirs, to the invoice that it was claimed for."""
        assert payment.received is not None
        if not payment.allocation_plan:
            return [(self.books.invoices[payment.invoice_id], payment.received)]
        lines = [(UUID(line["invoice"]), Decimal(line["amount"])) for line in payment.allocation_plan]
        found = [(self.books.invoices[key], amount) for key, amount in lines if key in self.books.invoices]
        # A step up comes after the period that it steps up from.
        return sorted(found, key=lambda line: line[0].purpose == Invoice.Purpose.UPGRADE)

    def _allocate(self, payment: Payment, invoice: Invoice, amount: Decimal, currency: str, cause: Effect) -> Decimal:
        """How much the invoice takes. Money is never refused because a document is closed; it is just not for it."""
        if invoice.status not in TAKES_MONEY or currency != invoice.currency:
            return Decimal(0)
        if invoice.account_id != payment.account_id or invoice.pk in self.paid or self._buys_nothing(invoice):
            return Decimal(0)
        open_ = invoice.outstanding - self.taken[invoice.pk]
        amount = min(amount, open_)
        if amount <= 0:
            return Decimal(0)
        self.taken[invoice.pk] += amount
        self.allocations.append(
            Allocation(account_id=payment.account_id, payment=payment, invoice=invoice, amount=amount)
        )
        tolerance = self.methods[payment.method_id].tolerance(invoice.total)
        inputs = {"amount": amount, "tolerance": tolerance} if tolerance else {"amount": amount}
        self.steps.append(because(cause, invoice.pay, **inputs))
        if open_ - amount <= tolerance:
            self.paid.add(invoice.pk)
            self._open(invoice, cause)
        return amount

    def _buys_nothing(self, invoice: Invoice) -> bool:
        """What it is for will not be: customer or subscription are gone, or no longer where it steps up from.

        What was paid once and came back with a reversal is owed all the same.
        """
        subscription = self.books.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
        if subscription is None:
            return False
        if invoice.purpose == Invoice.Purpose.UPGRADE and not _is_upgraded(subscription, invoice):
            is_there = subscription.status == Subscription.Status.ACTIVE and subscription.pk not in self.opened
            return not (is_there and invoice.period_end == subscription.period_end)
        is_closed = self.books.accounts[invoice.account_id].status == Account.Status.CLOSED
        is_over = is_closed or subscription.status not in (*LIVING, Subscription.Status.PENDING_PAYMENT)
        return is_over and invoice.status == Invoice.Status.PENDING and not invoice.allocations.exists()

    def _to_balance(self, payment: Payment, amount: Decimal, key: str) -> None:
        self.balance_entries.append(
            BalanceEntry(
                account_id=payment.account_id, payment=payment, currency=payment.currency, amount=amount, key=key
            )
        )

    def _open(self, invoice: Invoice, cause: Effect) -> None:
        """The invoice is paid: give what it is for."""
        subscription = self.books.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
        if subscription is None or subscription.pk in self.opened:
            return
        account = self.books.accounts[invoice.account_id]
        match invoice.purpose, subscription.status:
            case Invoice.Purpose.FIRST, Subscription.Status.PENDING_PAYMENT:
                self._activate(subscription, account, invoice, cause)
            case (Invoice.Purpose.UPGRADE, Subscription.Status.ACTIVE) if not _is_upgraded(subscription, invoice):
                self._upgrade(subscription, account, invoice, cause)
            case (_, Subscription.Status.ACTIVE) if is_next(subscription, invoice):
                if self._has_begun(invoice, account):
                    self._renew(subscription, account, invoice, cause)
            case (_, Subscription.Status.ACTIVE):
                self._restore(account, invoice, cause)
            case (_, Subscription.Status.PAST_DUE | Subscription.Status.SUSPENDED):
                self._recover(subscription, account, invoice, cause)

    def _activate(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        start = today_in(account.time_zone, self.now)
        end = period_end(start, subscription.interval, start.day)
        for other in self.books.of_account[account.pk]:
            if other.status in LIVING:
                self.steps.append(because(cause, other.end))
        self.steps.append(because(cause, subscription.activate, on=start, until=end))
        self._open_account(account, cause)
        self._grant(account, subscription, self.plans[subscription.plan_id], start, invoice, cause)

    def _renew(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        self._next_period(subscription, subscription.renew, account, invoice, cause)

    def _next_period(
        self, subscription: Subscription, verb: Callable[..., None], account: Account, invoice: Invoice, cause: Effect
    ) -> None:
        """A period of the plan that its invoice names, whatever was chosen since."""
        paid_for = invoice.metadata["billing_snapshot"]
        plan = self.plans_by_code[paid_for["plan"]]
        changes = {} if plan.pk == subscription.plan_id else {"plan": plan.pk, "price": Decimal(paid_for["price"])}
        self.steps.append(because(cause, verb, until=invoice.period_end, **changes))
        assert invoice.period_start is not None
        self._grant(account, subscription, plan, invoice.period_start, invoice, cause)

    def _recover(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        """Go on when this was the last that is overdue, with the next period if it is paid for and has begun."""
        if not is_next(subscription, invoice):
            self._restore(account, invoice, cause)
        if self._owes_more(subscription, account):
            return
        self.opened.add(subscription.pk)
        self._open_account(account, cause)
        now_paid = [row for key, row in self.books.invoices.items() if key in self.paid]
        mine = [row for row in now_paid if row.subscription_id == subscription.pk and is_next(subscription, row)]
        renewal = mine[0] if mine else paid_renewal_of(subscription)
        if renewal is not None and self._has_begun(renewal, account):
            self._next_period(subscription, subscription.recover, account, renewal, cause)
        else:
            self.steps.append(because(cause, subscription.recover))

    def _owes_more(self, subscription: Subscription, account: Account) -> bool:
        """Whether something else of it is overdue, or came back with a reversal."""
        today = today_in(account.time_zone, self.now)
        wanted = Q(due_on__lte=today) | Q(allocations__reverses__isnull=False)
        never_was = Q(purpose=Invoice.Purpose.UPGRADE) & ~Q(metadata__upgrade_to=str(subscription.plan_id))
        open_ = subscription.invoices.filter(wanted, status__in=Invoice.OPEN)
        return open_.exclude(never_was).exclude(pk__in=self.paid).exists()

    def _upgrade(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        plan = self.plans[UUID(invoice.metadata["upgrade_to"])]
        price = Decimal(invoice.metadata["upgrade_price"])
        self.steps.append(because(cause, subscription.upgrade, plan=plan.pk, price=price))
        start, end, since = subscription.period_start, subscription.period_end, invoice.period_start
        assert start is not None
        assert end is not None
        assert since is not None
        months = months_left(subscription.interval, on=since, start=start, end=end)  # what its price is for, too
        more = months * (plan.credits - self.plans[subscription.plan_id].credits)
        if more > 0:
            self.credit_entries.append(
                grant(
                    account,
                    more,
                    key=f"upgrade:{invoice.pk}",
                    description=f"Upgrade to {plan.name}",
                    cause_id=cause.transition_id,
                    invoice=invoice,
                )
            )

    def _grant(
        self, account: Account, subscription: Subscription, plan: Plan, start: object, invoice: Invoice, cause: Effect
    ) -> None:
        """One grant for each subscription and period start, whatever the number of payments."""
        self.credit_entries.append(
            grant(
                account,
                credits_of(plan, subscription.interval),
                key=f"grant:{subscription.pk}:{start}",
                description=f"{plan.name}, from {start}",
                cause_id=cause.transition_id,
                invoice=invoice,
            )
        )

    def _open_account(self, account: Account, cause: Effect) -> None:
        if account.pk in self.opened:
            return
        if account.status == Account.Status.EXPIRED:
            self.steps.append(because(cause, account.await_payment))
        if account.status in OPENS_ON_PAYMENT:
            self.opened.add(account.pk)
            self.steps.append(because(cause, account.activate))

    def _restore(self, account: Account, invoice: Invoice, cause: Effect) -> None:
        """The period had its grant, which a reversal took back: undo that."""
        lines = CreditEntry.objects.filter(invoice=invoice).exclude(kind=CreditEntry.Kind.GRANT)
        taken = -(lines.aggregate(total=Sum("amount"))["total"] or 0)
        if taken > 0:
            self.credit_entries.append(
                adjustment(
                    account,
                    taken,
                    key=f"restore:{cause.key}",
                    description="Paid again after a reversal",
                    cause_id=cause.transition_id,
                    invoice=invoice,
                )
            )

    def _has_begun(self, invoice: Invoice, account: Account) -> bool:
        """A renewal that is paid ahead begins when its period does."""
        return invoice.period_start is not None and invoice.period_start <= today_in(account.time_zone, self.now)


def paid_renewal_of(subscription: Subscription) -> Invoice | None:
    """The invoice of the period after this one, if it is paid."""
    renewals = subscription.invoices.filter(purpose=Invoice.Purpose.RENEWAL, period_start=subscription.period_end)
    return renewals.filter(status=Invoice.Status.PAID).first()


def is_next(subscription: Subscription, invoice: Invoice) -> bool:
    """Whether it is for the period after this one."""
    return bool(invoice.purpose == Invoice.Purpose.RENEWAL and invoice.period_start == subscription.period_end)


def _is_upgraded(subscription: Subscription, invoice: Invoice) -> bool:
    return bool(str(subscription.plan_id) == invoice.metadata.get("upgrade_to"))
