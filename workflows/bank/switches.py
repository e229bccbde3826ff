"""Where matches approve by themselves, and who said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.models import BankAccount, SecurityEvent, User


@dataclass(frozen=True)
class Switch:
    account: BankAccount
    set_by: User | None = None  # None also for somebody who is gone, or where it was never touched
    set_at: datetime | None = None


def switches(accounts: Sequence[BankAccount]) -> list[Switch]:
    """Who set each of them last. Two queries."""
    keys = [str(account.pk) for account in accounts]
    events = SecurityEvent.objects.filter(
        name="bank_account_saved", facts__bank_account__in=keys, facts__changed__contains=["is_automatic"]
    ).order_by("id")
    last = {event.facts["bank_account"]: event for event in events}
    people = User.objects.in_bulk([event.actor for event in last.values() if event.actor])
    return [
        Switch(account, people.get(event.actor), event.at) if (event := last.get(str(account.pk))) else Switch(account)
        for account in accounts
    ]
