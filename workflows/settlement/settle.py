"""What a set of money brings about, worked out in memory on locked rows, then written at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum

from core.models import Account, Allocation, BalanceEntry, CreditEntry, Invoice, Payment, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import Terms
from core.money import quantize
from engine import NewEffect, Step, caused_by, effect_handler, perform_many, schedule_many
from engine.models import Effect, Transition
from engine.pipeline import pipeline
from workflows.periods import credits_for, period_end, prorated_credits, today_in
from workflows.settlement.balances import open_remainders
from workflows.settlement.credits import adjustment, grant, post
from workflows.settlement.locking import ACTIVE_STATUSES, LockedRows, lock_account, lock_rows_for

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

    def __init__(self, locked: LockedRows) -> None:
        self.locked = locked
        self.plans, self.methods, self.now = locked.plans, locked.methods, locked.now
        self.allocations: list[Allocation] = []
        self.balance_entries: list[BalanceEntry] = []
        self.credit_entries: list[CreditEntry] = []
        self.steps: list[Step] = []
        self.taken: dict[UUID, Decimal] = defaultdict(Decimal)  # per invoice, by what came earlier in this set
        self.paid: set[UUID] = set()
        self.opened: set[UUID] = set()
        self.meetings: dict[tuple[UUID, str], NewEffect] = {}  # of accounts with new money in the balance, by currency

    def settle(self, payment: Payment, cause: Effect) -> None:
        """Allocate one approved payment; what no invoice needs goes to the customer's balance."""
        assert payment.received is not None, "an approved payment says what was received"
        self.steps.append(caused_by(cause, payment.settle))
        left = payment.received
        for invoice, wanted in self._plan(payment):
            left -= self._allocate(payment, invoice, min(wanted, left), payment.currency, cause)
        if left > 0:
            self._leave_in_balance(payment, left, f"payment:{payment.pk}", cause)

    def use_balance(self, payment: Payment, left: Decimal, invoice: Invoice, cause: Effect) -> None:
        """Pay an invoice with what an earlier payment has left; no bank takes part, so none kept anything of it."""
        used = self._allocate(payment, invoice, left, payment.currency, cause, is_from_bank=False)
        if used > 0:
            self._to_balance(payment, -used, f"{cause.pk.hex}:{invoice.pk.hex}:{payment.pk.hex}")

    def begin_period(self, subscription: Subscription, invoice: Invoice, cause: Effect) -> None:
        """Start a period that was paid for ahead."""
        invoice.began_on = today_in(self.locked.accounts[invoice.account_id].time_zone, self.now)
        invoice.save(update_fields=["began_on"])
        self._renew(subscription, self.locked.accounts[invoice.account_id], invoice, cause)

    def cancel(self, invoices: Iterable[Invoice], cause: Effect | Transition | None) -> None:
        """What these were for will not be: their money goes to the balance, then they are void.

        What was given already is over instead: where it was paid it stays so, of an unpaid rest nobody expects
        anything any more, and it is uncollectible. One that was written off stays that, without the money. The caller
        holds the rows.
        """
        rows = list(invoices)
        given = [row for row in rows if row.began_on is not None]
        not_given = [row for row in rows if row.began_on is None]
        self.steps += [Step(row.abandon, cause=cause) for row in given if row.status in Invoice.OPEN]
        self.release([row for row in not_given if row.allocated > 0], cause)
        self.steps += [
            Step(row.lapse, cause=cause) for row in not_given if row.status in {*Invoice.OPEN, Invoice.Status.PAID}
        ]

    def release(self, invoices: list[Invoice], cause: Effect | Transition | None) -> None:
        """Opposite lines for what is allocated to these, and the same money in the balance."""
        lines = Allocation.objects.filter(
            invoice__in=[invoice.pk for invoice in invoices], reverses__isnull=True, reversed_by__isnull=True
        )
        for line in lines.select_related("payment").order_by("pk"):
            self.allocations.append(
                Allocation(
                    account_id=line.account_id,
                    payment=line.payment,
                    invoice_id=line.invoice_id,
                    amount=-line.amount,
                    reverses=line,
                )
            )
            self._leave_in_balance(line.payment, line.amount, f"released:{line.pk}", cause)
        for invoice in invoices:
            if invoice.status == Invoice.Status.UNCOLLECTIBLE:
                invoice.allocated = Decimal(0)
                invoice.save(update_fields=["allocated"])
            else:
                self.steps.append(Step(invoice.release, {"amount": invoice.allocated}, cause))

    def excuse(self, invoice: Invoice, cause: Effect) -> None:
        """It need not be paid any more: what is past due goes on, where this was the last that was overdue."""
        subscription = self._subscription_of(invoice)
        if subscription is not None and subscription.status in (
            Subscription.Status.PAST_DUE,
            Subscription.Status.SUSPENDED,
        ):
            self._go_on(subscription, self.locked.accounts[invoice.account_id], cause)

    def write(self) -> None:
        with pipeline():
            Allocation.objects.bulk_create(self.allocations)
            BalanceEntry.objects.bulk_create(self.balance_entries)
            post(self.credit_entries)
            perform_many(self.steps)
        schedule_many(list(self.meetings.values()))

    def _plan(self, payment: Payment) -> list[tuple[Invoice, Decimal]]:
        """Where staff said the money goes; without a word of theirs, to the invoice that it was claimed for."""
        assert payment.received is not None
        parts = payment.planned_allocations
        if not parts:
            return [(self.locked.invoices[payment.invoice_id], payment.received)]
        found = [(self.locked.invoices[key], amount) for key, amount in parts if key in self.locked.invoices]
        # A step up comes after the period that it steps up from.
        return sorted(found, key=lambda line: line[0].purpose == Invoice.Purpose.UPGRADE)

    def _allocate(
        self,
        payment: Payment,
        invoice: Invoice,
        amount: Decimal,
        currency: str,
        cause: Effect,
        *,
        is_from_bank: bool = True,
    ) -> Decimal:
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
            Allocation(
                account_id=payment.account_id, payment=payment, invoice=invoice, amount=amount, effect_id=cause.pk
            )
        )
        tolerance = self.methods[payment.method_id].tolerance(invoice.total) if is_from_bank else Decimal(0)
        step = caused_by(cause, invoice.pay, amount=amount, **({"tolerance": tolerance} if tolerance else {}))
        self.steps.append(step)
        if open_ - amount <= tolerance:
            self.paid.add(invoice.pk)
            if self._open(invoice, cause):
                step.inputs["began_on"] = today_in(self.locked.accounts[invoice.account_id].time_zone, self.now)
        elif self._is_over(invoice):
            self.steps.append(caused_by(cause, invoice.abandon))  # it was given, and nobody asks for the rest
        return amount

    def _buys_nothing(self, invoice: Invoice) -> bool:
        """What it is for will not be: customer or subscription are gone, or no longer where it steps up from.

        What was given once, and whose money came back with a reversal, is to be paid all the same.
        """
        subscription = self._subscription_of(invoice)
        if subscription is None or invoice.began_on is not None:
            return False
        if invoice.purpose == Invoice.Purpose.UPGRADE:
            is_there = subscription.status == Subscription.Status.ACTIVE and subscription.pk not in self.opened
            return not (is_there and invoice.period_end == subscription.period_end)
        return self._is_over(invoice)

    def _is_over(self, invoice: Invoice) -> bool:
        subscription = self._subscription_of(invoice)
        is_closed = self.locked.accounts[invoice.account_id].status == Account.Status.CLOSED
        return is_closed or (
            subscription is not None
            and subscription.status not in (*ACTIVE_STATUSES, Subscription.Status.PENDING_PAYMENT)
        )

    def _subscription_of(self, invoice: Invoice) -> Subscription | None:
        return self.locked.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None

    def _leave_in_balance(self, payment: Payment, amount: Decimal, key: str, cause: Effect | Transition | None) -> None:
        """Money comes to the balance: let it meet what is open, once all of this is written."""
        self._to_balance(payment, amount, key)
        self.meetings.setdefault(
            (payment.account_id, payment.currency),
            NewEffect(
                use_balance,
                f"account.use_balance:{self.balance_entries[-1].pk}",
                about=self.locked.accounts[payment.account_id],
                cause=cause,
                payload={"currency": payment.currency},
            ),
        )

    def _to_balance(self, payment: Payment, amount: Decimal, key: str) -> None:
        self.balance_entries.append(
            BalanceEntry(
                account_id=payment.account_id, payment=payment, currency=payment.currency, amount=amount, key=key
            )
        )

    def _open(self, invoice: Invoice, cause: Effect) -> bool:
        """The invoice is paid: give what it is for. Whether that was given with this, and not before or later."""
        subscription = self._subscription_of(invoice)
        if subscription is None or subscription.pk in self.opened:
            return False
        account = self.locked.accounts[invoice.account_id]
        match invoice.purpose, subscription.status:
            case Invoice.Purpose.FIRST, Subscription.Status.PENDING_PAYMENT:
                self._activate(subscription, account, invoice, cause)
                return True
            case (Invoice.Purpose.UPGRADE, Subscription.Status.ACTIVE) if invoice.began_on is None:
                self._upgrade(subscription, account, invoice, cause)
                return True
            case (_, Subscription.Status.ACTIVE) if is_next(subscription, invoice):
                if self._has_begun(invoice, account):
                    self._renew(subscription, account, invoice, cause)
                    return True
            case (_, Subscription.Status.ACTIVE):
                self._restore(account, invoice, cause)
            case (_, Subscription.Status.PAST_DUE | Subscription.Status.SUSPENDED):
                return self._recover(subscription, account, invoice, cause)
        return False

    def _activate(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        start = today_in(account.time_zone, self.now)
        end = period_end(start, subscription.interval, start.day)
        for other in self.locked.of_account[account.pk]:
            if other.status in ACTIVE_STATUSES:
                self.steps.append(caused_by(cause, other.end))
        self.steps.append(caused_by(cause, subscription.activate, on=start, until=end))
        self._open_account(account, cause)
        self._grant(account, subscription, self._paid_for(invoice, subscription), start, invoice, cause)

    def _renew(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        self._next_period(subscription, subscription.renew, account, invoice, cause)

    def _next_period(
        self, subscription: Subscription, verb: Callable[..., None], account: Account, invoice: Invoice, cause: Effect
    ) -> None:
        """A period on the terms of its invoice, whatever was chosen since."""
        terms = self._paid_for(invoice, subscription)
        changes = {} if terms == self._terms(subscription) else terms_as_inputs(terms)
        self.steps.append(caused_by(cause, verb, until=invoice.period_end, **changes))
        assert invoice.period_start is not None
        self._grant(account, subscription, terms, invoice.period_start, invoice, cause)

    def _terms(self, subscription: Subscription) -> Terms:
        """Its own, without a look for the plan."""
        if subscription.credits is None:
            subscription.plan = self.plans[subscription.plan_id]
        return subscription.terms

    def _paid_for(self, invoice: Invoice, subscription: Subscription) -> Terms:
        """The terms that the invoice was issued on; of an old one that only names its plan, by that name."""
        if invoice.terms is not None:
            return invoice.terms
        if invoice.plan_id is None or invoice.plan_id == subscription.plan_id or invoice.plan_price is None:
            return self._terms(subscription)
        price = quantize(invoice.plan_price, invoice.currency)
        return Terms(invoice.plan_id, price, self.plans[invoice.plan_id].credits, subscription.interval)

    def _recover(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> bool:
        """Go on when this was the last that is overdue, with the next period if it is paid for and has begun.

        Whether that is the period of this invoice.
        """
        if not is_next(subscription, invoice):
            self._restore(account, invoice, cause)
        begun = self._go_on(subscription, account, cause)
        return begun is not None and begun.pk == invoice.pk

    def _go_on(self, subscription: Subscription, account: Account, cause: Effect) -> Invoice | None:
        """Recover, unless more is overdue. The renewal whose period begins with that, if there is one."""
        if self._owes_more(subscription, account):
            return None
        self.opened.add(subscription.pk)
        self._open_account(account, cause)
        now_paid = [row for key, row in self.locked.invoices.items() if key in self.paid]
        mine = [row for row in now_paid if row.subscription_id == subscription.pk and is_next(subscription, row)]
        renewal = mine[0] if mine else paid_renewal_of(subscription)
        if renewal is None or not self._has_begun(renewal, account):
            self.steps.append(caused_by(cause, subscription.recover))
            return None
        self._next_period(subscription, subscription.recover, account, renewal, cause)
        self._note_begin(renewal, account)
        return renewal

    def _note_begin(self, renewal: Invoice, account: Account) -> None:
        """What begins with this was paid for by a step of the same set, or before."""
        today = today_in(account.time_zone, self.now)
        paying = [step for step in self.steps if step.subject is renewal]
        if paying:
            paying[-1].inputs["began_on"] = today
        else:
            renewal.began_on = today
            renewal.save(update_fields=["began_on"])

    def _owes_more(self, subscription: Subscription, account: Account) -> bool:
        """Whether something else of it is overdue, or was given and came back with a reversal.

        To write off the period after this one does not pay for it: once it is due, it is overdue.
        """
        today = today_in(account.time_zone, self.now)
        is_due = Q(due_on__lte=today)
        offered = Q(purpose=Invoice.Purpose.UPGRADE, began_on__isnull=True)
        demanded = Q(is_due | Q(began_on__isnull=False), status__in=Invoice.OPEN)
        given_up = Q(
            is_due,
            status=Invoice.Status.UNCOLLECTIBLE,
            purpose=Invoice.Purpose.RENEWAL,
            period_start=subscription.period_end,
        )
        more = subscription.invoices.filter(demanded | given_up)
        return more.exclude(offered).exclude(pk__in=self.paid).exists()

    def _upgrade(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Effect) -> None:
        self.opened.add(subscription.pk)
        before, terms = self._terms(subscription), self._paid_for(invoice, subscription)
        self.steps.append(
            caused_by(cause, subscription.upgrade, plan=terms.plan_id, price=terms.price, credits_a_month=terms.credits)
        )
        start, end, since = subscription.period_start, subscription.period_end, invoice.period_start
        assert start is not None
        assert end is not None
        assert since is not None
        difference = credits_for(terms) - credits_for(before)
        more = prorated_credits(difference, on=since, start=start, end=end)  # by the fraction that was paid for
        if more > 0:
            self.credit_entries.append(
                grant(
                    account,
                    more,
                    key=f"upgrade:{invoice.pk}",
                    description=f"Upgrade to {self._name_of(terms)}",
                    cause_id=cause.transition_id,
                    invoice=invoice,
                )
            )

    def _name_of(self, terms: Terms) -> str:
        return self.plans[terms.plan_id].name

    def _grant(
        self, account: Account, subscription: Subscription, terms: Terms, start: object, invoice: Invoice, cause: Effect
    ) -> None:
        """One grant for each subscription and period start, whatever the number of payments."""
        self.credit_entries.append(
            grant(
                account,
                credits_for(terms),
                key=f"grant:{subscription.pk}:{start}",
                description=f"{self._name_of(terms)}, from {start}",
                cause_id=cause.transition_id,
                invoice=invoice,
            )
        )

    def _open_account(self, account: Account, cause: Effect) -> None:
        if account.pk in self.opened:
            return
        if account.status == Account.Status.EXPIRED:
            self.steps.append(caused_by(cause, account.await_payment))
        if account.status in OPENS_ON_PAYMENT:
            self.opened.add(account.pk)
            self.steps.append(caused_by(cause, account.activate))

    def _restore(self, account: Account, invoice: Invoice, cause: Effect) -> None:
        """The period had its grant, which a reversal took back: undo that."""
        lines = CreditEntry.objects.filter(invoice=invoice).exclude(kind=CreditEntry.Kind.GRANT)
        taken = -(lines.aggregate(total=Sum("amount"))["total"] or 0)
        if taken > 0:
            self.credit_entries.append(
                adjustment(
                    account,
                    taken,
                    key=f"restore:{invoice.pk}:{cause.pk}",
                    description="Paid again after a reversal",
                    cause_id=cause.transition_id,
                    invoice=invoice,
                )
            )

    def _has_begun(self, invoice: Invoice, account: Account) -> bool:
        """A renewal that is paid ahead begins when its period does."""
        return invoice.period_start is not None and invoice.period_start <= today_in(account.time_zone, self.now)


def undelivered(invoices: InvoiceQuerySet) -> InvoiceQuerySet:
    """Those of them that something would still be given or demanded for: what is to be cancelled where that ends."""
    paid_ahead = Q(
        status=Invoice.Status.PAID,
        purpose=Invoice.Purpose.RENEWAL,
        began_on__isnull=True,
        period_start__gte=F("subscription__period_end"),
    )
    given_up = Q(status=Invoice.Status.UNCOLLECTIBLE, began_on__isnull=True, allocated__gt=0)
    return invoices.filter(Q(status__in=Invoice.OPEN) | paid_ahead | given_up)


def cancel_invoices(invoices: InvoiceQuerySet, cause: Effect | Transition | None) -> Settlement:
    """What these were for will not be: `Settlement.cancel`. The caller holds their accounts, and writes it."""
    settlement = Settlement(lock_rows_for([], invoices=invoices))
    settlement.cancel(settlement.locked.invoices.values(), cause)
    return settlement


@effect_handler("account.use_balance")
def use_balance(account: Account, cause: Effect) -> None:
    """Money came to the balance: pay with it what is open in its currency.

    A second run finds the balance used up, or nothing open.
    """
    account = lock_account(account)
    open_ = account.invoices.filter(currency=cause.payload["currency"], status__in=Invoice.OPEN)
    pay_from_balance(list(open_), cause)


def pay_from_balance(invoices: Iterable[Invoice], cause: Effect) -> None:
    """Pay invoices of one account with what its payments have left over: the oldest due first, a step up last.

    One after the other, each in the light of what the one before it brought about. The caller holds the account.
    """
    is_step_up = Invoice.Purpose.UPGRADE
    for invoice in sorted(invoices, key=lambda row: (row.purpose == is_step_up, row.due_on, row.pk)):
        remainders = open_remainders(invoice.account_id, invoice.currency)
        if not remainders:
            continue
        locked = lock_rows_for([], invoices=[invoice])
        if locked.invoices[invoice.pk].status in Invoice.OPEN:
            settlement = Settlement(locked)
            for payment, left in remainders:
                settlement.use_balance(payment, left, locked.invoices[invoice.pk], cause)
            settlement.write()


def paid_renewal_of(subscription: Subscription) -> Invoice | None:
    """The invoice of the period after this one, if it is paid."""
    renewals = subscription.invoices.filter(purpose=Invoice.Purpose.RENEWAL, period_start=subscription.period_end)
    return renewals.filter(status=Invoice.Status.PAID).first()


def is_next(subscription: Subscription, invoice: Invoice) -> bool:
    """Whether it is for the period after this one."""
    return bool(invoice.purpose == Invoice.Purpose.RENEWAL and invoice.period_start == subscription.period_end)


def terms_as_inputs(terms: Terms) -> dict[str, Any]:
    """What a transition into a period on other terms is given."""
    return {
        "plan": terms.plan_id,
        "price": terms.price,
        "credits_a_month": terms.credits,
        "interval": terms.interval,
    }
