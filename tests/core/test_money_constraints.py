from __future__ import annotations

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic

from core.models import Policy
from tests.factories import AccountFactory, PaymentFactory
from workflows.settlement.credits import grant, post

pytestmark = pytest.mark.django_db


def refused(statement, values, *, by):
    with pytest.raises(IntegrityError, match=by), atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def rich():
    account = AccountFactory(status="trial")
    post([grant(account, 5, key="x", description="", cause_id=None)])
    return account


@pytest.mark.guards("self", "payment_decided_by_another")
def test_nobody_decides_on_a_payment_that_they_submitted():
    payment = PaymentFactory()

    refused(
        "UPDATE core_payment SET decided_by_id = submitted_by_id WHERE id = %s",
        [payment.pk],
        by="payment_decided_by_another",
    )


@pytest.mark.guards("overdraw", "account_credits_not_negative")
def test_account_cannot_have_negative_credits(rich):
    refused("UPDATE core_account SET credits = -1 WHERE id = %s", [rich.pk], by="account_credits_not_negative")


@pytest.mark.guards("overdraw", "credit_balance_not_negative")
def test_ledger_line_cannot_leave_negative_credits(rich):
    refused(ANOTHER_LINE, {"account": rich.pk, "key": "y", "amount": -6}, by="credit_balance_not_negative")


@pytest.mark.guards("twice", "credit_entry_once")
def test_credits_are_granted_once(rich):
    refused(ANOTHER_LINE, {"account": rich.pk, "key": "x", "amount": 5}, by="credit_entry_once")


@pytest.mark.guards("S28", "policy_reminder_steps")
def test_reminders_are_days():
    Policy.current()

    refused("UPDATE core_policy SET reminder_steps = %s", ['["x"]'], by="policy_reminder_steps")


ANOTHER_LINE = """
    INSERT INTO core_creditentry (id, account_id, kind, amount, balance_after, key, description, created_at)
    SELECT gen_random_uuid(), id, 'adjust', %(amount)s, credits + %(amount)s, %(key)s, '', now()
    FROM core_account WHERE id = %(account)s"""
