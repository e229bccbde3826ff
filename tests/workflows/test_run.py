"""Paying debts: claim, lease, fence, failure: `workflows.engine.run` and `sweep`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.models import Effect, Payment
from core.problems import Conflict
from tests.factories import PaymentFactory, StaffFactory
from workflows.engine import perform, run_due, sweep
from workflows.engine import registry as engine_registry
from workflows.engine.run import claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def handler(monkeypatch):
    """Let a function stand in for `payment.settle`."""

    def stand_in(run, **changes):
        kind = engine_registry.kinds["payment.settle"]
        monkeypatch.setitem(
            engine_registry.kinds,
            "payment.settle",
            type(kind)(**{**kind.__dict__, "run": run, **changes}),
        )

    return stand_in


@pytest.fixture
def approved(run_effects):
    def make(count=1):
        payments = [PaymentFactory(reference_key=str(n)) for n in range(count)]
        run_effects()
        for payment in payments:
            perform(payment.approve, by=StaffFactory())
        return payments

    return make


def settle_effects():
    return Effect.objects.filter(kind="payment.settle")


def test_an_effect_that_fails_waits_and_keeps_its_error(handler, approved):
    def broken(payments, effects):
        raise RuntimeError("the disk is full")

    handler(broken)
    approved()

    run_due()

    effect = settle_effects().get()
    assert (effect.state, effect.attempts) == ("ready", 1)
    assert effect.last_error == "RuntimeError: the disk is full"
    assert settle_effects().filter(run_at__gte=Now()).exists()


def test_what_a_failed_handler_wrote_is_gone(handler, approved):
    def half(payments, effects):
        Payment.objects.update(notes="half done")
        raise RuntimeError

    handler(half)
    approved()

    run_due()

    assert Payment.objects.get().notes == ""


def test_one_bad_row_of_a_batch_fails_alone(handler, approved):
    payments = approved(5)

    def picky(rows, effects):
        for row in rows:
            if row.pk == payments[2].pk:
                raise RuntimeError("this one")
            Payment.objects.filter(pk=row.pk).update(notes="done")

    handler(picky)

    run_due()

    assert sorted(settle_effects().values_list("state", flat=True)) == ["done"] * 4 + ["ready"]
    assert Payment.objects.filter(notes="done").count() == 4


def test_a_problem_is_final(handler, approved):
    def refuse(payments, effects):
        raise Conflict("No.")

    handler(refuse)
    approved()

    run_due()

    assert settle_effects().get().state == "dead"


def test_the_last_attempt_is_the_last(handler, approved):
    def broken(payments, effects):
        raise RuntimeError

    handler(broken)
    approved()
    settle_effects().update(attempts=11)

    run_due()

    assert settle_effects().get().state == "dead"


def test_an_effect_is_claimed_once(approved):
    approved()

    first, second = claim(None, 10), claim(None, 10)

    assert len(first) == 1
    assert second == []


def test_a_kind_that_nobody_here_knows_is_left_for_others(approved):
    approved()
    settle_effects().update(kind="payment.from_the_future")

    assert run_due() == 0
    assert Effect.objects.get(kind="payment.from_the_future").state == "ready"


def test_a_ring_for_something_done_is_harmless(approved, run_effects):
    approved()
    effect_id = settle_effects().get().pk
    run_effects()

    assert run_due([effect_id]) == 0


def test_a_lease_that_ran_out_is_taken_back_and_the_late_finisher_is_fenced(handler, approved):
    approved()
    calls = []

    def slow(payments, effects):
        calls.append(effects[0].fence)
        if len(calls) == 1:  # meanwhile our lease runs out, and somebody else takes over
            Payment.objects.update(notes="too late")

    handler(slow)
    (mine,) = claim(None, 10)
    settle_effects().update(lease_until=Now() - timedelta(seconds=1))

    sweep()
    run_due()
    from workflows.engine.run import _pay

    _pay(engine_registry.kinds["payment.settle"], [mine])

    effect = settle_effects().get()
    assert (effect.state, effect.fence, effect.crashes) == ("done", 2, 1)
    assert calls == [2]


def test_the_sweeper_finds_what_nobody_rang_for(approved):
    approved()

    assert sweep() == []
    settle_effects().update(run_at=Now() - timedelta(seconds=5))
    assert sweep() == [settle_effects().get().pk]
