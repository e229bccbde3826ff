from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from engine import claim, create_many, lease, registry, run_due, sweep
from engine.errors import TimedOut
from engine.models import Effect
from engine.registry import SLOW, effect_handler
from tests.toy.models import Door

LONG = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def fresh():
    claim._serve_next.clear()
    claim._seen_all.clear()


@pytest.fixture
def slow(monkeypatch):
    """Make kinds of the toy slow ones, with other options if they are given."""

    def change(*names, **changes):
        for name in names:
            kind = dataclasses.replace(registry.kinds[name], **{"lane": SLOW, "timeout": LONG} | changes)
            monkeypatch.setitem(registry.kinds, name, kind)
        return Effect.objects.filter(kind__in=names)

    return change


def doors(count=1):
    made = [Door(building=UUID(int=1)) for _ in range(count)]
    create_many(made)
    return made


def slow_greetings(slow, count=1, **changes):
    doors(count)
    greetings = slow("toy.greet", **changes)
    greetings.update(lane=SLOW)
    return greetings


def test_only_in_its_lane_may_a_handler_take_minutes(monkeypatch):
    monkeypatch.setattr(registry, "kinds", {})

    effect_handler("x.slow", lane=SLOW, timeout=900)(lambda *_: None)

    assert registry.kinds["x.slow"].timeout == timedelta(minutes=15)
    with pytest.raises(ValueError, match="at most 900 s"):
        effect_handler("x.slower", lane=SLOW, timeout=901)
    with pytest.raises(ValueError, match="at most 15 s"):
        effect_handler("x.other", lane="other", timeout=900)


@pytest.mark.django_db
def test_lease_is_as_long_as_its_lane_may_take(slow):
    (greeting,) = slow_greetings(slow)
    assert claim.claim_fair_share(SLOW, 10) == [greeting]

    (length,) = Effect.objects.filter(pk=greeting.pk).values_list(F("lease_until") - Now(), flat=True)
    assert timedelta(minutes=15) < length <= lease.SLOW_LEASE


@pytest.mark.django_db
def test_slow_effect_is_taken_back_when_its_session_is_gone_and_not_before(slow):
    (greeting,) = slow_greetings(slow)
    assert claim.claim_fair_share(SLOW, 10)
    rows = Effect.objects.filter(pk=greeting.pk)
    assert rows.filter(lease_pid__isnull=False)

    assert sweep() == []
    # Longer than any other lease lasts, behind a pooler.
    rows.update(lease_pid=None, lease_until=F("lease_until") - timedelta(minutes=10))
    assert sweep() == []
    rows.update(lease_pid=0)
    assert sweep() == [[greeting.pk]]
    assert rows.get().crashes == 0


@pytest.mark.django_db
def test_lease_of_a_slow_effect_ends_when_its_time_is_over(slow):
    (greeting,) = slow_greetings(slow)
    assert claim.claim_fair_share(SLOW, 10)
    Effect.objects.update(lease_pid=None, lease_until=F("lease_until") - lease.SLOW_LEASE - timedelta(seconds=1))

    assert sweep() == [[greeting.pk]]


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [1, 14, 60])
def test_slow_lease_of_before_the_clock_was_set_back_is_over(slow, minutes):
    (greeting,) = slow_greetings(slow)
    assert claim.claim_fair_share(SLOW, 10)
    Effect.objects.update(lease_pid=None, lease_until=F("lease_until") + timedelta(minutes=minutes))
    Effect.objects.update(run_at=Now())

    assert sweep() == [[greeting.pk]]


@pytest.mark.django_db
def test_deadline_of_a_slow_effect_is_its_failure(slow):
    def hang(*_):
        time.sleep(2)

    greetings = slow_greetings(slow, run=hang, timeout=timedelta(seconds=0.2))

    run_due(of=[SLOW])

    greeting = greetings.get()
    assert (greeting.state, greeting.attempts, greeting.crashes) == ("waiting", 1, 0)
    assert TimedOut.__name__ in greeting.last_error


@pytest.mark.django_db
def test_slow_effects_are_claimed_one_at_a_time_so_that_others_may_begin_the_next(slow):
    slow_greetings(slow, count=5)

    assert len(claim.claim_fair_share(SLOW, 100)) == 1
    assert len(claim.claim_recent([SLOW], 100)) == 1


@pytest.mark.django_db
def test_worker_of_other_lanes_begins_no_slow_effect(slow):
    doors(3)
    greetings = slow("toy.greet")
    greetings.filter(pk=greetings[0].pk).update(lane=SLOW)
    lanes = ["inward", "outward"]

    assert run_due(of=lanes) == run_due(of=lanes, lately=True) == run_due(of=lanes, alone=True) == 0
    assert run_due(list(greetings.values_list("pk", flat=True)), of=lanes) == 0
    assert set(greetings.values_list("fence", flat=True)) == {0}


@pytest.mark.django_db
def test_effects_of_a_kind_that_became_slow_are_moved_to_its_lane(slow):
    """A release made it slow, and what was recorded before it stood where nobody may begin it."""
    doors(3)
    greetings = slow("toy.greet")
    greetings.update(run_at=Now() - timedelta(minutes=1))

    sweep()

    assert set(greetings.values_list("lane", flat=True)) == {SLOW}


@pytest.mark.django_db
def test_limits_of_a_session_are_those_of_the_slow_effect_in_it(slow):
    """A worker's statements may take 30 s, and a transaction may be idle for 20 s."""
    seen = []

    def look(*_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
            seen.append(cursor.fetchone()[0])
            cursor.execute("SELECT current_setting('statement_timeout')")
            seen.append(cursor.fetchone()[0])

    slow_greetings(slow, run=look, external=False)

    run_due(of=[SLOW])

    assert seen == ["10min", "10min"]
