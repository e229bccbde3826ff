"""Money that staff have accepted finds its place, and leaves it again when it bounces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum

from core.models import Account, Allocation, BalanceEntry, CreditEntry, Invoice, Payment, Subscription
from engine import caused_by, effect_handler, perform_many
from engine.models import Effect
from workflows.mail.verification import prove_by_payment
from workflows.settlement.balances import with_remainders
from workflows.settlement.credits import post, revoke
from workflows.settlement.locking import ACTIVE_STATUSES, lock_account, lock_rows_for
from workflows.settlement.settle import Settlement, pay_from_balance


@effect_handler("payment.settle", batch=100, by_key=True)
def settle_payments(_: Sequence[UUID], effects: Sequence[Effect]) -> None:
    """Allocate approved money and open what it pays for.

    A second run finds nothing to do: it is only reached from `approved`, and allocations, balance lines and
    grants are unique on what they are for.
    """
    locked = lock_rows_for(effects)  # all of them, parents first, before the first is written
    for number, batch in enumerate(_one_of_each_account(effects)):
        if number > 0:
            locked = lock_rows_for(batch)
        settlement = Settlement(locked)
        for each in batch:
            assert each.object_id is not None
            settlement.settle(locked.payments[each.object_id], each)
        settlement.write()
        prove_by_payment(locked.accounts.values(), locked.now)


@effect_handler("invoice.apply_balance", batch=100)
def apply_balances(invoices: Sequence[Invoice], effects: Sequence[Effect]) -> None:
    """Pay invoices from what earlier payments have left over, the oldest first. Most customers have nothing left.

    A second run finds the balance used up, or the invoice paid.
    """
    rich = with_remainders({invoice.account_id for invoice in invoices})
    pairs = [pair for pair in zip(invoices, effects, strict=True) if (pair[0].account_id, pair[0].currency) in rich]
    if pairs:
        lock_rows_for([], invoices=[invoice for invoice, _ in pairs])  # all locks, in their order, before looking again
    for invoice, effect in pairs:
        pay_from_balance([invoice], effect)


def _one_of_each_account(effects: Iterable[Effect]) -> list[list[Effect]]:
    """In rounds, so that what a payment finds is what the one before it left."""
    rounds: list[list[Effect]] = []
    seen: Counter[UUID] = Counter()
    for each in effects:
        if seen[each.account_id] == len(rounds):
            rounds.append([])
        rounds[seen[each.account_id]].append(each)
        seen[each.account_id] += 1
    return rounds


@effect_handler("payment.unsettle")
def unsettle_payment(payment: Payment, effect: Effect) -> None:
    """Take a reversed payment's money back from where it went, and what it paid for with it.

    Opposite lines, unique on what they reverse: a second run adds nothing.
    """
    lock_account(payment.account)  # before looking: what is left of it may just be paying an invoice
    allocations = list(payment.allocations.filter(reverses__isnull=True, reversed_by__isnull=True))
    locked = lock_rows_for([effect], invoices=[allocation.invoice for allocation in allocations])
    steps = []
    for allocation in allocations:
        invoice = locked.invoices[allocation.invoice_id]
        if invoice.status in (Invoice.Status.PAID, Invoice.Status.PARTIALLY_PAID):
            steps.append(caused_by(effect, invoice.release, amount=allocation.amount))
        else:  # written off, and that it stays
            invoice.allocated -= allocation.amount
            invoice.save(update_fields=["allocated"])
    Allocation.objects.bulk_create(
        Allocation(
            account_id=payment.account_id,
            payment=payment,
            invoice_id=allocation.invoice_id,
            amount=-allocation.amount,
            reverses=allocation,
        )
        for allocation in allocations
    )
    left = payment.balance_entries.aggregate(left=Sum("amount"))["left"] or Decimal(0)
    if left:
        BalanceEntry.objects.create(
            account_id=payment.account_id,
            payment=payment,
            currency=payment.currency,
            amount=-left,
            key=f"reversed:{payment.pk}",
        )
    account = locked.accounts[payment.account_id]
    fallen: set[UUID] = set()
    released = {allocation.invoice_id: locked.invoices[allocation.invoice_id] for allocation in allocations}
    for invoice in released.values():
        subscription = locked.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
        if subscription is not None and subscription.status not in (
            *ACTIVE_STATUSES,
            Subscription.Status.PENDING_PAYMENT,
        ):
            if invoice.status in (*Invoice.OPEN, Invoice.Status.PAID):
                steps.append(caused_by(effect, invoice.abandon))  # it is over: nobody would see to it
            continue
        if subscription is None or invoice.began_on is None:  # of the next period, or an offer: nothing is overdue yet
            continue
        if subscription.status == Subscription.Status.ACTIVE and subscription.pk not in fallen:
            fallen.add(subscription.pk)
            steps.append(caused_by(effect, subscription.fall_behind))
            if account.status == Account.Status.ACTIVE:
                steps.append(caused_by(effect, account.fall_behind))
    perform_many(steps)
    _revoke_credits(account, released.values(), effect)


def _revoke_credits(account: Account, invoices: Iterable[Invoice], effect: Effect) -> None:
    """What these invoices had earned goes back as far as it is unspent; what is spent is spent."""
    for invoice in invoices:
        earned = CreditEntry.objects.filter(invoice=invoice).aggregate(total=Sum("amount"))["total"] or 0
        taken = min(earned, account.credits)
        if taken > 0:
            post(
                [
                    revoke(
                        account,
                        taken,
                        key=f"revoke:{invoice.pk}:{effect.key}",
                        description="Payment reversed",
                        cause_id=effect.transition_id,
                        invoice=invoice,
                    )
                ]
            )
