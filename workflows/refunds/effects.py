from __future__ import annotations

from core.models import BalanceEntry, Refund
from engine import NewEffect, effect_handler, schedule_many
from engine.models import Effect
from workflows.settlement.locking import lock_account
from workflows.settlement.settle import use_balance


@effect_handler("refund.give_back")
def give_back_refund(refund: Refund, this: Effect) -> None:
    """Into the balance, to the payments that it was taken from. A second run finds it there."""
    account = lock_account(refund.account)
    entries = refund.balance_entries.order_by("pk")
    taken = [entry for entry in entries if entry.amount < 0]
    if len(taken) < len(entries):
        return
    BalanceEntry.objects.bulk_create(
        BalanceEntry(
            account=account,
            payment_id=entry.payment_id,
            refund=refund,
            currency=entry.currency,
            amount=-entry.amount,
            key=f"refund_back:{refund.pk}:{entry.payment_id.hex if entry.payment_id else ''}",
        )
        for entry in taken
    )
    back = NewEffect(
        use_balance,
        f"account.use_balance:{refund.pk}",
        about=account,
        cause=this,
        payload={"currency": refund.currency},
    )
    schedule_many([back])
