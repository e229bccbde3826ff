from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, Sum

from core.models import Account, Allocation, BalanceEntry, CreditEntry, Invoice, Payment, Subscription
from core.models.invoice import InvoiceQuerySet
from core.models.subscription import ACTIVE_STATUSES, Terms
from core.money import quantize
from engine import NewEffect, Step, caused_by, effect_handler, perform_many, schedule_many
from engine.models import Effect, Transition
from engine.pipeline import pipeline
from workflows.periods import credits_for, period_end, prorated_credits, today_in
from workflows.settlement.balances import open_remainders
from workflows.settlement.credits import adjustment, grant, post
from workflows.settlement.cuts import cut, cuts
from workflows.settlement.locking import LockedRows, lock_account, lock_rows_for

Cause = Effect | Transition
TAKES_MONEY = {*Invoice.OPEN, Invoice.Status.UNCOLLECTIBLE}
OPENS_ON_PAYMENT = {
    Account.Status.TRIAL,
    Account.Status.PENDING_PAYMENT,
    Account.Status.PAST_DUE,
    Account.Status.SUSPENDED,
    Account.Status.EXPIRED,
}


class Settlement:
    """Works out in memory, on locked rows, what payments pay for; `write` stores it in one pipeline."""

    def __init__(self, locked: LockedRows) -> None:
        self.locked = locked
        self.plans, self.methods, self.now = locked.plans, locked.methods, locked.now
        self.allocations: list[Allocation] = []
        self.balance_entries: list[BalanceEntry] = []
        self.credit_entries: list[CreditEntry] = []
        self.steps: list[Step] = []
        self.taken: dict[UUID, Decimal] = defaultdict(Decimal)  # per invoice, by earlier payments of this settlement
        self.paid: set[UUID] = set()
        self.opened: set[UUID] = set()
        self.balance_effects: dict[
            tuple[UUID, str], NewEffect
        ] = {}  # new money in the balance, by account and currency

    def settle(self, payment: Payment, cause: Effect) -> None:
        assert payment.received is not None, "an approved payment says what was received"
        self.steps.append(caused_by(cause, payment.settle))
        left = payment.received
        for invoice, wanted in self._plan(payment):
            left -= self._allocate(payment, invoice, min(wanted, left), payment.currency, cause)
        if left > 0:
            self._leave_in_balance(payment, left, f"payment:{payment.pk}", cause)

    def use_balance(self, payment: Payment, left: Decimal, invoice: Invoice, cause: Effect) -> None:
        # No bank takes part, so no tolerance for bank fees.
        used = self._allocate(payment, invoice, left, payment.currency, cause, is_from_bank=False)
        if used > 0:
            self._to_balance(payment, -used, f"{cause.pk.hex}:{invoice.pk.hex}:{payment.pk.hex}")

    def begin_period(self, subscription: Subscription, invoice: Invoice, cause: Effect) -> None:
        invoice.began_on = today_in(self.locked.accounts[invoice.account_id].time_zone, self.now)
        invoice.save(update_fields=["began_on"])
        self._renew(subscription, self.locked.accounts[invoice.account_id], invoice, cause)

    def cancel(self, invoices: Iterable[Invoice], cause: Effect | Transition | None) -> None:
        """Cancel invoices whose service will not be given: their money goes to the balance, then they are void.

        Invoices whose period began stay paid, or become uncollectible. The caller has locked the rows.
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
        """Reverse their allocations into the balance."""
        lines = Allocation.objects.standing().filter(invoice__in=[invoice.pk for invoice in invoices])
        for line in lines.select_related("payment").order_by("pk"):
            self.allocations += cut(line, line.amount, reversed_by=None, rest_by=None)
            self._leave_in_balance(line.payment, line.amount, f"released:{line.pk}", cause)
        for invoice in invoices:
            if invoice.status == Invoice.Status.UNCOLLECTIBLE:
                invoice.allocated = Decimal(0)
                invoice.save(update_fields=["allocated"])
            else:
                self.steps.append(Step(invoice.release, {"amount": invoice.allocated}, cause))

    def credit(self, invoice: Invoice, amount: Decimal, cause: Transition) -> Decimal:
        """Take `amount` off what the invoice demands; what was paid of it goes to the balance, which is returned.

        An open one that is paid by this gives its service. The caller has checked that so much is left, and that
        `would_buy_nothing` is not so.
        """
        back = invoice.to_balance_if_credited(amount)
        self._cut_allocations(invoice, back, cause)
        step = caused_by(cause, invoice.credit, amount=amount, to_balance=back)
        self.steps.append(step)
        if self._is_paid_by_credit(invoice, amount):
            self.paid.add(invoice.pk)
            if self._deliver(invoice, cause):
                step.inputs["began_on"] = today_in(self.locked.accounts[invoice.account_id].time_zone, self.now)
        return back

    def would_buy_nothing(self, invoice: Invoice, amount: Decimal) -> bool:
        """With so much credited it would be paid, and what was paid of it would lie there for no service."""
        return self._is_paid_by_credit(invoice, amount) and self._buys_nothing(invoice)

    def _is_paid_by_credit(self, invoice: Invoice, amount: Decimal) -> bool:
        return invoice.status == Invoice.Status.PARTIALLY_PAID and invoice.outstanding <= amount

    def _cut_allocations(self, invoice: Invoice, amount: Decimal, cause: Transition) -> None:
        """Into the balance, the last ones first."""
        lines = Allocation.objects.standing().filter(invoice=invoice).select_related("payment").order_by("-pk")
        for line, taken in cuts(lines, amount):
            self.allocations += cut(line, taken, reversed_by=cause.pk, rest_by=cause.pk)
            self._leave_in_balance(line.payment, taken, f"released:{line.pk}", cause)

    def recover_after_void(self, invoice: Invoice, cause: Effect) -> None:
        """After voiding: recover the subscription, if this was the last that was overdue."""
        subscription = self._subscription_of(invoice)
        if subscription is not None and subscription.status in (
            Subscription.Status.PAST_DUE,
            Subscription.Status.SUSPENDED,
        ):
            self._recover_subscription(subscription, self.locked.accounts[invoice.account_id], cause)

    def write(self) -> None:
        with pipeline():
            Allocation.objects.bulk_create(self.allocations)
            BalanceEntry.objects.bulk_create(self.balance_entries)
            post(self.credit_entries)
            perform_many(self.steps)
        schedule_many(list(self.balance_effects.values()))

    def _plan(self, payment: Payment) -> list[tuple[Invoice, Decimal]]:
        """The allocation plan of staff; without one, all to the claimed invoice, if there is one."""
        assert payment.received is not None
        parts = payment.planned_allocations
        if not parts:
            own = payment.invoice_id
            return [(self.locked.invoices[own], payment.received)] if own else []
        found = [(self.locked.invoices[key], amount) for key, amount in parts if key in self.locked.invoices]
        # An upgrade comes after the period that it upgrades.
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
        """Returns how much the invoice takes; 0 if it is closed."""
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
        tolerance = self.methods[payment.method_id].tolerance(invoice.demanded) if is_from_bank else Decimal(0)
        step = caused_by(cause, invoice.pay, amount=amount, **({"tolerance": tolerance} if tolerance else {}))
        self.steps.append(step)
        if open_ - amount <= tolerance:
            self.paid.add(invoice.pk)
            if self._deliver(invoice, cause):
                step.inputs["began_on"] = today_in(self.locked.accounts[invoice.account_id].time_zone, self.now)
        elif self._is_over(invoice):
            self.steps.append(caused_by(cause, invoice.abandon))  # the service was given, the rest is not demanded
        return amount

    def _buys_nothing(self, invoice: Invoice) -> bool:
        """Its account or subscription is over, or it upgrades an earlier period."""
        subscription = self._subscription_of(invoice)
        # What was given and then reversed has to be paid.
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
        self._to_balance(payment, amount, key)
        self.balance_effects.setdefault(
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

    def _deliver(self, invoice: Invoice, cause: Cause) -> bool:
        """Returns whether its period begins now, not earlier or later."""
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

    def _activate(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Cause) -> None:
        self.opened.add(subscription.pk)
        start = today_in(account.time_zone, self.now)
        end = period_end(start, subscription.interval, start.day)
        for other in self.locked.of_account[account.pk]:
            if other.status in ACTIVE_STATUSES:
                self.steps.append(caused_by(cause, other.end))
        self.steps.append(caused_by(cause, subscription.activate, on=start, until=end))
        self._open_account(account, cause)
        self._grant(account, subscription, self._paid_for(invoice, subscription), start, invoice, cause)

    def _renew(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Cause) -> None:
        self.opened.add(subscription.pk)
        self._next_period(subscription, subscription.renew, account, invoice, cause)

    def _next_period(
        self, subscription: Subscription, verb: Callable[..., None], account: Account, invoice: Invoice, cause: Cause
    ) -> None:
        # On the terms of its invoice, whatever was chosen since.
        terms = self._paid_for(invoice, subscription)
        changes = {} if terms == self._terms(subscription) else terms_as_inputs(terms)
        self.steps.append(caused_by(cause, verb, until=invoice.period_end, **changes))
        assert invoice.period_start is not None
        self._grant(account, subscription, terms, invoice.period_start, invoice, cause)

    def _terms(self, subscription: Subscription) -> Terms:
        # From the locked rows, so that `terms` makes no query.
        if subscription.credits is None:
            subscription.plan = self.plans[subscription.plan_id]
        return subscription.terms

    def _paid_for(self, invoice: Invoice, subscription: Subscription) -> Terms:
        # Old invoices name only the plan and its price.
        if invoice.terms is not None:
            return invoice.terms
        if invoice.plan_id is None or invoice.plan_id == subscription.plan_id or invoice.plan_price is None:
            return self._terms(subscription)
        price = quantize(invoice.plan_price, invoice.currency)
        return Terms(invoice.plan_id, price, self.plans[invoice.plan_id].credits, subscription.interval)

    def _recover(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Cause) -> bool:
        if not is_next(subscription, invoice):
            self._restore(account, invoice, cause)
        begun = self._recover_subscription(subscription, account, cause)
        return begun is not None and begun.pk == invoice.pk

    def _recover_subscription(self, subscription: Subscription, account: Account, cause: Cause) -> Invoice | None:
        """Returns the renewal whose period begins with recovering, if any."""
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
        today = today_in(account.time_zone, self.now)
        paying = [step for step in self.steps if step.subject is renewal]
        if paying:
            paying[-1].inputs["began_on"] = today
        else:
            renewal.began_on = today
            renewal.save(update_fields=["began_on"])

    def _owes_more(self, subscription: Subscription, account: Account) -> bool:
        """Another invoice is overdue, written off though due, or was given and then reversed."""
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

    def _upgrade(self, subscription: Subscription, account: Account, invoice: Invoice, cause: Cause) -> None:
        self.opened.add(subscription.pk)
        before, terms = self._terms(subscription), self._paid_for(invoice, subscription)
        self.steps.append(
            caused_by(
                cause,
                subscription.upgrade,
                plan=terms.plan_id,
                price=terms.price,
                credits_a_month=terms.credits,
                **tax_as_input(terms),
            )
        )
        start, end, since = subscription.period_start, subscription.period_end, invoice.period_start
        assert start is not None
        assert end is not None
        assert since is not None
        difference = credits_for(terms) - credits_for(before)
        more = prorated_credits(difference, on=since, start=start, end=end)  # the same fraction as its price
        if more > 0:
            self.credit_entries.append(
                grant(
                    account,
                    more,
                    key=f"upgrade:{invoice.pk}",
                    description=f"Upgrade to {self._name_of(terms)}",
                    cause_id=transition_of(cause),
                    invoice=invoice,
                )
            )

    def _name_of(self, terms: Terms) -> str:
        return self.plans[terms.plan_id].name

    def _grant(
        self, account: Account, subscription: Subscription, terms: Terms, start: object, invoice: Invoice, cause: Cause
    ) -> None:
        # Unique by its key, however many payments.
        self.credit_entries.append(
            grant(
                account,
                credits_for(terms),
                key=f"grant:{subscription.pk}:{start}",
                description=f"{self._name_of(terms)}, from {start}",
                cause_id=transition_of(cause),
                invoice=invoice,
            )
        )

    def _open_account(self, account: Account, cause: Cause) -> None:
        if account.pk in self.opened:
            return
        if account.status == Account.Status.EXPIRED:
            self.steps.append(caused_by(cause, account.await_payment))
        if account.status in OPENS_ON_PAYMENT:
            self.opened.add(account.pk)
            self.steps.append(caused_by(cause, account.activate))

    def _restore(self, account: Account, invoice: Invoice, cause: Cause) -> None:
        """Give back the credits that a reversal revoked."""
        lines = CreditEntry.objects.filter(invoice=invoice).exclude(kind=CreditEntry.Kind.GRANT)
        taken = -(lines.aggregate(total=Sum("amount"))["total"] or 0)
        if taken > 0:
            self.credit_entries.append(
                adjustment(
                    account,
                    taken,
                    key=f"restore:{invoice.pk}:{cause.pk}",
                    description="Paid again after a reversal",
                    cause_id=transition_of(cause),
                    invoice=invoice,
                )
            )

    def _has_begun(self, invoice: Invoice, account: Account) -> bool:
        return invoice.period_start is not None and invoice.period_start <= today_in(account.time_zone, self.now)


def transition_of(cause: Effect | Transition) -> UUID | None:
    return cause.pk if isinstance(cause, Transition) else cause.transition_id


def cancellable_invoices(invoices: InvoiceQuerySet) -> InvoiceQuerySet:
    """To cancel when their subscription ends: open, paid ahead, or written off with money on them."""
    paid_ahead = Q(
        status=Invoice.Status.PAID,
        purpose=Invoice.Purpose.RENEWAL,
        began_on__isnull=True,
        period_start__gte=F("subscription__period_end"),
    )
    given_up = Q(status=Invoice.Status.UNCOLLECTIBLE, began_on__isnull=True, allocated__gt=0)
    return invoices.filter(Q(status__in=Invoice.OPEN) | paid_ahead | given_up)


def cancel_invoices(invoices: InvoiceQuerySet, cause: Effect | Transition | None) -> Settlement:
    """The caller has locked the accounts, and writes the settlement."""
    settlement = Settlement(lock_rows_for([], invoices=invoices))
    settlement.cancel(settlement.locked.invoices.values(), cause)
    return settlement


@effect_handler("account.use_balance")
def use_balance(account: Account, cause: Effect) -> None:
    """A second run finds it used up, or nothing open."""
    account = lock_account(account)
    open_ = account.invoices.filter(currency=cause.payload["currency"], status__in=Invoice.OPEN)
    pay_from_balance(list(open_), cause)


def pay_from_balance(invoices: Iterable[Invoice], cause: Effect) -> None:
    """Of one account, the oldest due first, upgrades last. The caller has locked it."""
    is_step_up = Invoice.Purpose.UPGRADE
    # One by one: each may change what the next one finds.
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
    renewals = subscription.invoices.filter(purpose=Invoice.Purpose.RENEWAL, period_start=subscription.period_end)
    return renewals.filter(status=Invoice.Status.PAID).first()


def is_next(subscription: Subscription, invoice: Invoice) -> bool:
    return bool(invoice.purpose == Invoice.Purpose.RENEWAL and invoice.period_start == subscription.period_end)


def terms_as_inputs(terms: Terms) -> dict[str, Any]:
    return {
        "plan": terms.plan_id,
        "price": terms.price,
        "credits_a_month": terms.credits,
        "interval": terms.interval,
        **tax_as_input(terms),
    }


def tax_as_input(terms: Terms) -> dict[str, Any]:
    return {} if terms.includes_tax else {"includes_tax": False}
