from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.db.transaction import atomic

from core.models import Invoice
from tests.factories import SubscriptionFactory
from workflows.lifecycle.invoicing import issue_invoice
from workflows.periods import database_now


class ChangedItsMindError(Exception):
    pass


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_leave_no_gap_and_no_double():
    subscriptions = [SubscriptionFactory() for _ in range(10)]
    start = threading.Barrier(10)

    def issue(subscription):
        start.wait()
        for n in range(13):
            try:
                with atomic():
                    issue_invoice(
                        subscription.account, amount=Decimal(1), subscription=subscription, cause=None, method=None
                    )
                    if n % 4 == 3:  # three of thirteen are rolled back after they had their number
                        raise ChangedItsMindError
            except ChangedItsMindError:
                pass
        connection.close()

    threads = [threading.Thread(target=issue, args=(subscription,)) for subscription in subscriptions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-{database_now().year}-{n:06}" for n in range(1, 101)]
