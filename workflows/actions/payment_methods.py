"""What follows when staff change or delete payment methods."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from core.models import PaymentMethod
from workflows.effects.warnings import mail_no_way_to_pay
from workflows.engine import owe
from workflows.periods import database_now
from workflows.unpayable import left_without


def warn_of_missing_ways(before: Iterable[PaymentMethod]) -> list[str]:
    """Where nobody can pay any more, in words; operators get one mail a day about the same places.

    It is not refused: an account that was broken into must be switched off at once.
    before: the methods as they were before they were changed or deleted.
    """
    places = list(left_without(before))
    if places:
        digest = hashlib.sha256("; ".join(places).encode()).hexdigest()[:16]
        key = f"no_way_to_pay:{database_now():%Y-%m-%d}:{digest}"
        owe(mail_no_way_to_pay, key=key, payload={"places": places})
    return places
