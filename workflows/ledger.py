"""The only writers of the credit ledger. The account's row is locked by the caller, so balances add up in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.models import Account, CreditEntry


def post(entries: Sequence[CreditEntry]) -> None:
    """Append lines and move the cached balances with them, in two statements whatever their number.

    Each entry's account must be locked and the same object wherever it occurs. A line whose key exists
    already is the database's to refuse.
    """
    accounts: dict[object, Account] = {}
    for entry in entries:
        account = accounts.setdefault(entry.account_id, entry.account)
        account.credits += entry.amount
        entry.balance_after = account.credits
    CreditEntry.objects.bulk_create(entries)
    Account.objects.bulk_update(accounts.values(), ["credits"])


def grant(account: Account, amount: int, *, key: str, description: str, cause_id: UUID | None) -> CreditEntry:
    """A line that gives credits, to be posted. `key` says once and for all what for,
    `cause_id` which Transition it follows from."""
    return CreditEntry(
        account=account,
        kind=CreditEntry.Kind.GRANT,
        amount=amount,
        key=key,
        description=description,
        cause_id=cause_id,
    )
