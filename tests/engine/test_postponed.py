from __future__ import annotations

from datetime import timedelta

import pytest

from engine import NotYet, Retry, lease, look_again
from engine.claim import claim_named
from engine.models import Effect
from tests.factories import scheduled_mail
from workflows.periods import database_now

pytestmark = pytest.mark.django_db


def put_off(effect, **after):
    [held] = claim_named([effect.pk], [])
    lease.put_off(held, NotYet("not before noon", after=timedelta(**after)))
    effect.refresh_from_db()
    return effect


def test_effect_that_is_put_off_waits_and_is_charged_nothing():
    effect = put_off(scheduled_mail(), hours=3)

    assert (effect.state, effect.attempts, effect.failing_since) == ("waiting", 0, None)
    assert effect.last_error == "not before noon"
    assert timedelta(hours=2) < effect.run_at - database_now() <= timedelta(hours=3)
    assert not effect.events.exists()


def test_effect_that_is_put_off_runs_at_its_time(advance, run_effects):
    effect = put_off(scheduled_mail(), hours=3)
    advance(hours=4)

    run_effects()

    effect.refresh_from_db()
    assert effect.last_error != "not before noon"


def test_look_again_makes_ready_what_was_put_off_of_that_tenant():
    mine, other = put_off(scheduled_mail(), days=1), put_off(scheduled_mail(), days=1)

    assert look_again(mine.account_id) == 1

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.state, other.state) == ("ready", "waiting")


def test_look_again_leaves_timers_and_failures_alone():
    timer, failed = scheduled_mail(), scheduled_mail()
    Effect.objects.filter(pk=timer.pk).update(state="waiting")
    [held] = claim_named([failed.pk], [])
    lease.fail(held, ValueError("no"), is_final=False, rule=Retry())

    assert look_again(timer.account_id, failed.account_id) == 0

    for effect in (timer, failed):
        effect.refresh_from_db()
        assert effect.state == "waiting"


def test_lease_that_was_lost_puts_nothing_off():
    effect = scheduled_mail()
    [held] = claim_named([effect.pk], [])
    Effect.objects.filter(pk=effect.pk).update(fence=9)

    lease.put_off(held, NotYet("late", after=timedelta(hours=1)))

    effect.refresh_from_db()
    assert effect.state == "leased"
