from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, Sum

from core.models import Account, Allocation, BalanceEntry, CreditEntry, Invoice, Payment, Refund, Subscription
from core.models.subscription import ACTIVE_STATUSES
from engine import caused_by, effect_handler, perform_many
from engine.models import Effect
from workflows.mail.verification import prove_by_payment
from workflows.settlement.balances import with_remainders
from workflows.settlement.credits import post, revoke
from workflows.settlement.cuts import cut, cuts
from workflows.settlement.locking import lock_account, lock_rows_for
from workflows.settlement.settle import Settlement, pay_from_balance


@effect_handler("payment.settle", batch=100, by_key=True)
def settle_payments(_: Sequence[UUID], effects: Sequence[Effect]) -> None:
    """Allocate approved money and activate what it pays for.

    A second run finds nothing to do: only `approved` payments settle; allocations, balance lines and grants have unique
    keys.
    """
    locked = lock_rows_for(effects)  # parents first, before the first write
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
    """The oldest payments first. A second run finds the balance used up, or the invoice paid."""
    rich = with_remainders({invoice.account_id for invoice in invoices})
    pairs = [pair for pair in zip(invoices, effects, strict=True) if (pair[0].account_id, pair[0].currency) in rich]
    if pairs:
        lock_rows_for([], invoices=[invoice for invoice, _ in pairs])  # in order, before reading again
    for invoice, effect in pairs:
        pay_from_balance([invoice], effect)


def _one_of_each_account(effects: Iterable[Effect]) -> list[list[Effect]]:
    """Rounds with one effect of each account, so that each payment sees what the one before it changed."""
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
    """Take back what went back: from the balance first, then from what the payment paid last; revoke what that bought.

    A second run finds nothing that is too much.
    """
    lock_account(payment.account)  # before reading: the balance may be paying an invoice right now
    allocations = list(payment.allocations.standing().select_related("invoice").order_by("-pk"))
    locked = lock_rows_for([effect], invoices=[allocation.invoice for allocation in allocations])
    payment = locked.payments[payment.pk]
    entries = payment.balance_entries.aggregate(there=Sum("amount"), left=Sum("amount", filter=Q(refund=None)))
    there = entries["there"] or Decimal(0)
    # With what a refund took: that goes last, and the customer owes it until the refund is back.
    left = entries["left"] or Decimal(0)
    allocated = sum((allocation.amount for allocation in allocations), Decimal(0))
    excess = left + allocated - _still_there(payment)
    if excess <= 0:
        return
    from_invoices = min(allocated, max(excess - max(there, Decimal(0)), Decimal(0)))
    from_balance = excess - from_invoices
    if from_balance > 0:
        BalanceEntry.objects.create(
            account_id=payment.account_id,
            payment=payment,
            currency=payment.currency,
            amount=-from_balance,
            key=f"reversed:{payment.pk}" if _is_reversed(payment) else f"returned:{effect.pk}",
        )
    taken_back = list(cuts(allocations, from_invoices))
    drawn = payment.balance_entries.filter(refund__status__in=Refund.NOT_SENT).values("refund")
    waiting = Refund.objects.filter(pk__in=drawn).order_by("pk").select_for_update(no_key=True)
    steps = [caused_by(effect, refund.lapse) for refund in waiting]
    for allocation, amount in taken_back:
        invoice = locked.invoices[allocation.invoice_id]
        if invoice.status in (Invoice.Status.PAID, Invoice.Status.PARTIALLY_PAID):
            steps.append(caused_by(effect, invoice.release, amount=amount))
        else:  # stays written off
            invoice.allocated -= amount
            invoice.save(update_fields=["allocated"])
    # What a whole reversal takes back was paid until then.
    of_a_part = None if _is_reversed(payment) else effect.pk
    Allocation.objects.bulk_create(
        line for part in taken_back for line in cut(*part, reversed_by=of_a_part, rest_by=effect.pk)
    )
    account = locked.accounts[payment.account_id]
    fallen: set[UUID] = set()
    released = {allocation.invoice_id: locked.invoices[allocation.invoice_id] for allocation, _ in taken_back}
    for invoice in released.values():
        subscription = locked.subscriptions.get(invoice.subscription_id) if invoice.subscription_id else None
        if subscription is not None and subscription.status not in (
            *ACTIVE_STATUSES,
            Subscription.Status.PENDING_PAYMENT,
        ):
            if invoice.status in (*Invoice.OPEN, Invoice.Status.PAID):
                steps.append(caused_by(effect, invoice.abandon))  # the subscription is over: no dunning
            continue
        if subscription is None or invoice.began_on is None:  # next period or an open upgrade: nothing is overdue
            continue
        if subscription.status == Subscription.Status.ACTIVE and subscription.pk not in fallen:
            fallen.add(subscription.pk)
            steps.append(caused_by(effect, subscription.fall_behind))
            if account.status == Account.Status.ACTIVE:
                steps.append(caused_by(effect, account.fall_behind))
    perform_many(steps)
    _revoke_credits(account, released.values(), effect)


def _is_reversed(payment: Payment) -> bool:
    return bool(payment.status == Payment.Status.REVERSED)


def _still_there(payment: Payment) -> Decimal:
    """Of what was received."""
    return Decimal(0) if _is_reversed(payment) else payment.kept


def _revoke_credits(account: Account, invoices: Iterable[Invoice], effect: Effect) -> None:
    """As far as they are unspent."""
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
