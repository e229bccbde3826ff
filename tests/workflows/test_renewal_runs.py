"""The renewals of a day are a batch; each keeps its own time."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from core.models import Invoice, Subscription
from engine import PermanentFailure, perform, registry, skip
from engine.models import Batch, Effect
from tasks.tidy import tidy_up
from tests.factories import PaymentFactory, StaffFactory
from workflows.lifecycle.renewal_runs import begin_run
from workflows.reporting.invariants import findings

pytestmark = pytest.mark.django_db

EAST, WEST = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # a day and an hour apart


@pytest.fixture
def subscribed(run_effects):
    def subscribe(time_zone: str = "UTC") -> Subscription:
        payment = PaymentFactory(invoice__subscription__account__time_zone=time_zone)
        perform(payment.approve, by=StaffFactory())
        run_effects()
        subscription = payment.invoice.subscription
        subscription.refresh_from_db()
        return subscription

    return subscribe


def timer(subscription: Subscription) -> Effect:
    return Effect.objects.get(kind="subscription.renew", object_id=subscription.pk)


def day_of(subscription: Subscription) -> date:
    assert subscription.period_end is not None
    return subscription.period_end - timedelta(days=7)


def renewals() -> int:
    return Invoice.objects.filter(purpose="renewal").count()


def test_renewals_of_a_day_are_counted_and_summed_up_when_the_last_is_over(subscribed, clock, run_effects):
    east, west, later = subscribed(EAST), subscribed(WEST), subscribed()
    day = max(day_of(east), day_of(west))
    Effect.objects.filter(pk=timer(later).pk).update(payload={"on": str(day + timedelta(days=1))})
    moments = [timer(east).run_at, timer(west).run_at]

    batch = begin_run(day)

    assert batch is not None
    assert set(batch.effects.values_list("object_id", flat=True)) == {east.pk, west.pk}
    assert [timer(east).run_at, timer(west).run_at] == moments  # a run changes nobody's time

    clock.go_to(min(moments) + timedelta(minutes=1))
    run_effects()
    batch.refresh_from_db()
    assert (str(batch), batch.completed_at, batch.note) == ("1 of 2", None, "")

    clock.go_to(max(moments) + timedelta(minutes=1))
    run_effects()
    batch.refresh_from_db()
    assert (str(batch), renewals() >= 2) == ("2 of 2", True)
    assert batch.note == f"Renewals of {day}: 2 invoices issued, 0 failed and skipped."
    with connection.cursor() as cursor:
        assert list(findings(cursor)) == []


def test_a_renewal_that_dies_keeps_its_run_open_until_it_is_skipped(subscribed, clock, run_effects, monkeypatch):
    good, bad, cancelled = subscribed(), subscribed(), subscribed()
    Subscription.objects.filter(pk=cancelled.pk).update(cancel_at_period_end=True)
    batch = begin_run(day_of(good))
    real = registry.kinds["subscription.renew"]

    def renew(subscription, effect):
        if subscription.pk == bad.pk:
            raise PermanentFailure("no")
        return real.run(subscription, effect)

    monkeypatch.setitem(registry.kinds, real.name, dataclasses.replace(real, run=renew))
    clock.go_to(timer(good).run_at + timedelta(minutes=1))
    run_effects()

    seen = Batch.objects.with_stuck().get(pk=batch.pk)
    assert (str(seen), seen.stuck, seen.note) == ("2 of 3", 1, "")

    skip(timer(bad), by=StaffFactory(is_superuser=True), reason="they left")
    run_effects()
    seen = Batch.objects.with_stuck().get(pk=batch.pk)
    assert (str(seen), seen.stuck) == ("3 of 3", 0)
    assert seen.note.endswith(": 1 invoice issued, 1 failed and skipped, 1 with nothing to invoice.")


def test_a_run_is_there_before_its_day_begins_anywhere(subscribed, clock):
    """Hourly, and once: the day that begins within the hour at UTC+14."""
    east = subscribed(EAST)
    clock.go_to(timer(east).run_at - timedelta(minutes=90))
    tidy_up()
    assert not Batch.objects.exists()

    clock.advance(hours=1)
    tidy_up()
    tidy_up()
    clock.advance(hours=1)
    tidy_up()

    assert Batch.objects.get().then.key == f"renewals:{day_of(east)}"
    assert timer(east).batch_id == Batch.objects.get().pk


def test_a_day_without_renewals_has_no_run(clock):
    assert begin_run(clock.today()) is None

    assert not Effect.objects.filter(kind="renewals.report").exists()


def test_renewal_missed_by_an_earlier_run_is_in_the_next(subscribed):
    first = subscribed()
    begin_run(day_of(first))
    second = subscribed()
    assert begin_run(day_of(first)) is None

    batch = begin_run(day_of(first) + timedelta(days=1))

    assert batch is not None
    assert [row.object_id for row in batch.effects.all()] == [second.pk]
    assert timer(second).run_at < datetime.combine(day_of(first) + timedelta(days=2), datetime.min.time(), UTC)


def test_command_says_how_far_they_are(subscribed, clock, run_effects, capsys):
    first, second = sorted([subscribed(), subscribed(WEST)], key=lambda row: timer(row).run_at)
    day = max(day_of(first), day_of(second))
    begin_run(day)
    clock.go_to(timer(first).run_at + timedelta(minutes=1))
    run_effects()
    Effect.objects.filter(pk=timer(second).pk).update(state="dead", last_error="broken")

    call_command("batches")
    assert capsys.readouterr().out == f"renewals:{day}: 1 of 2 over, 1 dead or uncertain\n"

    skip(timer(second), by=StaffFactory(is_superuser=True), reason="they left")
    run_effects()
    call_command("batches")
    assert capsys.readouterr().out == ""
    call_command("batches", "--all")
    assert capsys.readouterr().out.startswith(f"renewals:{day}: 2 of 2 over, 1 skipped, Renewals of {day}: 1 invoice ")
