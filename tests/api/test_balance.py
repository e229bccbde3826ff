from __future__ import annotations

from decimal import Decimal

import pytest

from engine import perform
from tests.api.conftest import Caller
from tests.factories import (
    PaymentFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db


@pytest.mark.happy("GET billing/balance/")
def test_money_left_over_is_shown(run_effects):
    payment = PaymentFactory(amount=Decimal("100.00"))
    perform(payment.approve, by=StaffFactory())
    run_effects()

    answer = Caller(payment.submitted_by).get("billing/balance/")

    assert answer.json() == {"balances": [{"currency": "USD", "amount": "11.00"}]}
