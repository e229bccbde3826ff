"""The migration that brings settings saved past the forms into the form that is checked from then on: 0024."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from core.models import PaymentMethod, Plan, PlanPrice, Policy
from tests.factories import PaymentMethodFactory, PlanFactory

pytestmark = pytest.mark.django_db

migration = import_module("core.migrations.0024_settings_repaired")
TABLES = ["core_plan", "core_planprice", "core_policy", "core_paymentmethod"]


@pytest.fixture
def checks():
    """The checks of these tables, off as they were before; each by its table and name."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
               WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)""",
            [TABLES],
        )
        found = cursor.fetchall()
        for table, name, _ in found:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    return found


def repair():
    migration.repair(apps, None)


def holds(checks):
    """Whether each row passes each check of today."""
    with connection.cursor() as cursor:
        for table, name, definition in checks:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def price(currency, amount="10.00", interval="month", plan=None):
    plan = plan or PlanFactory()
    return PlanPrice.objects.create(plan=plan, currency=currency, amount=Decimal(amount), interval=interval)


def test_price_in_small_letters_gets_its_code_and_one_of_no_currency_is_retired(checks):
    small, none, odd = price("eur"), price("ZZZ"), price("GBP", interval="week")

    repair()

    for row in (small, none, odd):
        row.refresh_from_db()
    assert (small.currency, small.retired_at) == ("EUR", None)
    assert none.retired_at is not None
    assert odd.retired_at is not None
    holds(checks)


def test_price_whose_code_another_one_has_already_is_retired(checks):
    first = price("EUR")
    second = price("eur", plan=first.plan)

    repair()

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.retired_at, second.retired_at is not None) == (None, True)
    holds(checks)


def test_price_with_too_many_digits_is_offered_at_what_was_shown(checks):
    row = price("JPY", "1000.40")

    repair()

    row.refresh_from_db()
    assert (row.amount, row.retired_at) == (Decimal("1000.00"), None)
    holds(checks)


def test_plan_keeps_a_year_of_trial_at_most_and_one_person_at_least(checks):
    plan = PlanFactory()
    Plan.objects.filter(pk=plan.pk).update(trial_days=9000, max_users=0)
    unlimited = PlanFactory(code="growth", max_users=None)

    repair()

    plan.refresh_from_db()
    unlimited.refresh_from_db()
    assert (plan.trial_days, plan.max_users, unlimited.max_users) == (365, 1, None)
    holds(checks)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["x", True, -3, 0, 400], [-3, 0]),
        ({"a": 1}, []),
        ([1000000000], []),
        (list(range(12)), list(range(10))),
        ([-7, -3, 0], [-7, -3, 0]),
    ],
)
def test_reminder_steps_keep_what_is_a_day(checks, before, after):
    policy = Policy.current()
    policy.save()
    Policy.objects.update(reminder_steps=before, grace_days=4000)

    repair()

    policy = Policy.objects.get()
    assert (policy.reminder_steps, policy.grace_days) == (after, 365)
    holds(checks)


def test_method_whose_payee_or_place_is_wrong_is_switched_off(checks):
    wrong = {
        "texts": {"fields": {"iban": "DE1", "note": 5}},
        "place": {"country": "1x"},
        "money": {"currency": "12$"},
    }
    for code, values in wrong.items():
        method = PaymentMethodFactory(code=code, is_enabled=True)
        PaymentMethod.objects.filter(pk=method.pk).update(**values)

    repair()

    rows = {row.code: row for row in PaymentMethod.objects.all()}
    assert not any(row.is_enabled for row in rows.values())
    assert rows["texts"].fields == {"iban": "DE1"}
    assert (rows["place"].country, rows["money"].currency) == ("", "")
    holds(checks)


def test_method_in_small_letters_stays_on_and_asks_for_what_there_is(checks):
    method = PaymentMethodFactory(is_enabled=True)
    PaymentMethod.objects.filter(pk=method.pk).update(
        country="us", currency="usd", requires=["reference", "shoe size"], bank_lag_days=900
    )

    repair()

    method.refresh_from_db()
    assert (method.is_enabled, method.country, method.currency) == (True, "US", "USD")
    assert (method.requires, method.bank_lag_days) == (["reference"], 90)
    holds(checks)


def test_rows_that_change_are_logged_and_the_others_stay(checks, caplog):
    good, bad = price("CHF", plan=PlanFactory(code="growth")), price("eur")
    before = PlanPrice.objects.filter(pk=good.pk).values().get()

    repair()

    assert PlanPrice.objects.filter(pk=good.pk).values().get() == before
    assert f"PlanPrice {bad.pk}: brought into form: currency" in caplog.text
    assert str(good.pk) not in caplog.text
    caplog.clear()
    repair()
    assert not caplog.text
