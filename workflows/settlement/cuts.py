"""What is taken back of allocations. They are append-only: one is reversed whole, and its rest is allocated again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.models import Allocation


def cuts(allocations: Iterable[Allocation], amount: Decimal) -> Iterator[tuple[Allocation, Decimal]]:
    """How much of each is taken back, in their order."""
    for allocation in allocations:
        taken = min(allocation.amount, amount)
        if taken <= 0:
            return
        amount -= taken
        yield allocation, taken


def cut(
    allocation: Allocation, taken: Decimal, *, reversed_by: UUID | None, rest_by: UUID | None
) -> Iterator[Allocation]:
    """A line that reverses all of the allocation, and one with the rest of it.

    reversed_by: as `effect_id`, which stands on lines of a part only: see `Allocation.stands_or_was_cut`.
    """
    same: dict[str, Any] = {
        "account_id": allocation.account_id,
        "payment_id": allocation.payment_id,
        "invoice_id": allocation.invoice_id,
    }
    yield Allocation(**same, amount=-allocation.amount, reverses=allocation, effect_id=reversed_by)
    if taken < allocation.amount:
        yield Allocation(**same, amount=allocation.amount - taken, effect_id=rest_by)
