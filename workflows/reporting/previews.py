from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from core.models import Invoice, Payment, User
from core.money import money_text
from engine import Preview, preview_of
from engine.ids import uuid7
from engine.models import Effect
from engine.pipeline import ask, pipeline
from engine.previews import Change
from engine.stateful import Stateful
from workflows.periods import last_day_of

# What is said of an object that would be in that state and is not now, in this order.
PHRASES = {
    ("payment", "approved"): "approved, and not settled yet",
    ("payment", "succeeded"): "settled",
    ("payment", "failed"): "rejected",
    ("payment", "cancelled"): "withdrawn",
    ("payment", "reversed"): "reversed",
    ("invoice", "paid"): "paid",
    ("invoice", "partially_paid"): "paid in part",
    ("invoice", "pending"): "open again",
    ("invoice", "void"): "void",
    ("invoice", "uncollectible"): "written off",
    ("subscription", "active"): "active",
    ("subscription", "past_due"): "past due",
    ("subscription", "suspended"): "suspended",
    ("subscription", "cancelled"): "cancelled",
    ("subscription", "expired"): "ended",
    ("account", "suspended"): "suspended",
    ("account", "expired"): "expired",
    ("account", "closed"): "closed",
}

# A line by hand follows from no transition.
_CREDITS = """
    SELECT coalesce(sum(amount), 0) FROM (
        SELECT amount FROM core_creditentry WHERE cause_id = ANY(%s::uuid[])
        UNION ALL
        SELECT amount FROM core_creditentry WHERE cause_id IS NULL AND actor_id = %s::uuid AND id > %s::uuid
    ) AS line"""
_BALANCE = """
    SELECT currency, sum(amount) FROM core_balanceentry
    WHERE account_id = ANY(%s::uuid[]) AND id > %s::uuid GROUP BY currency"""
_PERIODS = "SELECT id, period_end FROM core_subscription WHERE id = ANY(%s::uuid[]) AND status = 'active'"


@dataclass(frozen=True)
class BillingPreview:
    engine: Preview
    credits: int
    balance: dict[str, Decimal]  # by currency
    periods: dict[UUID, date | None]  # of subscriptions that would be active: the first day after it

    @property
    def mails(self) -> list[Effect]:
        """A mail may find nothing to say when it is sent."""
        return self.engine.external

    @property
    def changes(self) -> list[Change]:
        """Without the papers that tell of them."""
        return [each for each in self.engine.changes if each.machine != "document"]

    @property
    def summary(self) -> str:
        """Such as `1 invoice paid, subscription active until 27 December 2026, 1,000 credits, 2 mails, 3 timers`."""
        return ", ".join(self._parts()) or "nothing else"

    def _parts(self) -> Iterator[str]:
        found = Counter((each.machine, self._state(each.source, each.target)) for each in self.changes)
        for (machine, state), phrase in PHRASES.items():
            count = found.pop((machine, state), 0)
            is_what_was_asked_for = machine == "payment" and count == 1 and state != Payment.Status.APPROVED
            if count and not is_what_was_asked_for:
                yield self._phrase(machine, count, phrase)
        if issued := found[("invoice", "issued")]:
            yield f"{counted(issued, 'invoice')} issued"
        if self.credits:
            yield counted(abs(self.credits), "credit") + (" taken back" if self.credits < 0 else "")
        for currency, amount in sorted(self.balance.items()):
            if amount:
                yield f"{money_text(abs(amount), currency)} {currency} {'to' if amount > 0 else 'from'} the balance"
        for noun, count in (("mail", len(self.mails)), ("timer", len(self.engine.timers))):
            if count:
                yield counted(count, noun)
        if self.engine.failed:
            yield f"{counted(len(self.engine.failed), 'effect')} would fail"

    def _state(self, source: str, target: str) -> str:
        return "issued" if (source, target) == ("", Invoice.Status.PENDING) else target

    def _phrase(self, machine: str, count: int, phrase: str) -> str:
        if machine != "subscription" or count > 1:
            return f"{counted(count, machine)} {phrase}"
        ends = [end for end in self.periods.values() if end]
        until = f" until {last_day_of(ends[0]):%-d %B %Y}" if phrase == "active" and len(ends) == 1 else ""
        return f"subscription {phrase}{until}"


def preview_billing(work: Callable[[], Any], *subjects: Stateful, by: User) -> BillingPreview:
    """Raises what `work` raises, and Busy."""
    what = preview_of(work, *subjects, look=partial(_look, since=uuid7(), by=by))
    found: BillingPreview = what.seen
    return found


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _look(what: Preview, *, since: UUID, by: User) -> BillingPreview:
    """Inside the preview's transaction. since: a key that is older than all that was written."""
    moved = [each.object_id for each in what.changes if each.machine == "subscription"]
    with pipeline():
        credits_ = ask(_CREDITS, [[each.pk for each in what.transitions], by.pk, since])
        balance = ask(_BALANCE, [list({each.account_id for each in what.changes}), since])
        periods = ask(_PERIODS, [moved])
    return BillingPreview(what, int(credits_.fetchone()[0]), dict(balance.fetchall()), dict(periods.fetchall()))
