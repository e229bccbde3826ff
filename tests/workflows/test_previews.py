from __future__ import annotations

from datetime import timedelta

import pytest

from core.models import Account
from engine import perform, registry
from tests.factories import PaymentFactory, StaffFactory
from workflows.reporting.previews import preview_billing

pytestmark = pytest.mark.django_db


def test_an_approval_in_one_sentence(run_effects):
    payment, staff = PaymentFactory(), StaffFactory()
    run_effects()

    found = preview_billing(lambda: perform(payment.approve, by=staff), payment, by=staff)

    days = found.periods.values()
    last = next(iter(days)) - timedelta(days=1)
    assert found.summary == (
        f"1 invoice paid, subscription active until {last:%-d %B %Y}, 1,000 credits, 1 mail, 2 timers"
    )
    assert (payment.status, Account.objects.get().credits) == ("pending_approval", 0)


def test_preview_names_effects_that_would_fail(run_effects, monkeypatch):
    payment, staff = PaymentFactory(), StaffFactory()
    run_effects()

    def settle(*_):
        raise ValueError("no")

    monkeypatch.setitem(registry.kinds, "payment.settle", registry.Kind("payment.settle", settle, batch=100))

    found = preview_billing(lambda: perform(payment.approve, by=staff), payment, by=staff)

    assert found.summary == "1 payment approved, and not settled yet, 1 effect would fail"


def test_preview_of_a_withdrawal_says_that_nothing_else_follows(run_effects):
    payment = PaymentFactory()
    run_effects()

    found = preview_billing(
        lambda: perform(payment.withdraw, by=payment.submitted_by), payment, by=payment.submitted_by
    )

    assert found.summary == "nothing else"
