from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F

from engine import claim, create_many, lanes, lease, run_due, sweep
from engine.models import CircuitBreaker, Effect
from engine.pipeline import ask
from engine.registry import kinds
from tests.toy.models import Door

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh():
    claim._serve_next.clear()
    claim._seen_all.clear()


def build(count):
    create_many([Door(building=UUID(int=1)) for _ in range(count)])


# Clocks


def test_a_lease_is_taken_back_although_the_clock_was_set_back(clock):
    """H19: its holder has no session that could be seen to be gone."""
    build(1)
    assert claim.claim_fair_share("outward", 10)
    Effect.objects.update(lease_pid=None)

    clock.advance(hours=-1)

    assert sweep() == [[Effect.objects.get().pk]]
    assert Effect.objects.get().state == "ready"


def test_a_lease_of_now_is_nobody_s_but_its_holder_s():
    build(1)
    assert claim.claim_fair_share("outward", 10)
    Effect.objects.update(lease_pid=None)

    assert sweep() == []


def test_a_lost_notification_is_made_up_for_although_the_clock_was_set_back(clock):
    """H19"""
    build(1)

    clock.advance(hours=-1)

    assert sweep() == [[Effect.objects.get().pk]]


def test_a_breaker_closes_although_the_clock_was_set_back(clock):
    """H19"""
    for _ in range(lease.FAILURES_TO_OPEN):
        lease.record_unreachable("toy.greet")
    assert lease.circuit_breaker_of("toy.greet").is_open

    clock.advance(hours=-1)

    assert not lease.circuit_breaker_of("toy.greet").is_open


def test_the_longest_pause_of_a_breaker_is_open():
    CircuitBreaker.objects.create(kind="toy.greet", failures=50)
    lease.record_unreachable("toy.greet")

    assert lease.circuit_breaker_of("toy.greet").is_open


# Timers, lanes and kinds

FLOOD = """
    INSERT INTO engine_effect (id, account_id, machine, seq, key, kind, revision, payload, lane, ordered, state, run_at,
        fence, attempts, crashes, solo, last_error, created_at)
    SELECT gen_random_uuid(), %(tenant)s, '', 0, concat_ws(':', %(tenant)s::uuid, %(kind)s::text, i), %(kind)s, 1, '{}',
        'outward', false, %(state)s, now() - %(since)s::interval, 0, 0, 0, false, '', now()
    FROM generate_series(1, %(count)s) AS i"""


def flood(count, *, tenant, kind="toy.greet", state="waiting", since="10 s"):
    with connection.cursor() as cursor:
        cursor.execute(
            FLOOD, {"count": count, "tenant": UUID(int=tenant), "kind": kind, "state": state, "since": since}
        )
        cursor.execute("ANALYZE engine_effect")


def test_a_crowd_of_timers_leaves_the_other_tenants_their_turn(monkeypatch):
    """H20: also when no more can be woken in one sweep."""
    monkeypatch.setattr(sys.modules["engine.sweeper"], "PROMOTE_SECONDS", 0.0)
    flood(2000, tenant=7)
    flood(30, tenant=8, since="9 s")
    flood(1, tenant=9, since="8 s")

    sweep()

    left = Counter(str(tenant)[-1] for tenant in waiting().values_list("account_id", flat=True))
    assert left == {"7": 2000 - 500 - claim.MAX_PER_TENANT, "8": 30 - claim.MAX_PER_TENANT}


def test_crowd_of_due_timers_is_woken_at_once():
    """H20: not 500 a second."""
    flood(5000, tenant=7)

    sweep()

    assert waiting().count() < 5000 - 500 - claim.MAX_PER_TENANT
    for _ in range(20):
        sweep()
    assert not waiting().exists()


def waiting():
    return Effect.objects.filter(state="waiting")


def test_waiting_effect_is_woken_when_due():
    flood(600, tenant=7)
    flood(600, tenant=7, since="-1 h", kind="toy.log")

    for _ in range(20):
        sweep()

    assert set(waiting().values_list("kind", flat=True)) == {"toy.log"}
    assert waiting().count() == 600


def test_effects_of_a_lane_that_was_renamed_are_done():
    """H15: their kind is known, and the release before recorded them in a lane that it has no more."""
    build(40)
    Effect.objects.update(lane="attic", run_at=F("run_at") - timedelta(minutes=1))

    sweep()

    assert set(Effect.objects.values_list("lane", flat=True)) == {"outward"}
    while run_due(of=lanes()):
        pass
    assert Counter(Effect.objects.values_list("state", flat=True)) == {"done": 40}


def test_an_effect_of_an_unknown_kind_stays_in_its_lane():
    """H15: a worker that knows the kind serves it there."""
    flood(3, tenant=7, kind="toy.new", state="ready")
    Effect.objects.update(lane="attic")

    sweep()

    assert set(Effect.objects.values_list("lane", flat=True)) == {"attic"}


def test_effects_of_unknown_kinds_are_stepped_over_cheaply(monkeypatch):
    """H22: kinds are looked up in a hash. A comparison with each that is known costs 6 s for a million rows."""
    plans = []

    def explain(sql, values, **_):
        plans.append("\n".join(row[0] for row in ask(f"EXPLAIN {sql}", values, prepare=False).fetchall()))
        return ask(sql, values)

    monkeypatch.setattr(claim, "ask", explain)
    flood(2000, tenant=7, kind="toy.new", state="ready")

    assert claim.claim_fair_share("outward", 100) == []

    assert "(hashed SubPlan" in plans[0]
    assert "Function Scan on known" not in plans[0]


@pytest.mark.parametrize(("revision", "claimed"), [(1, 1), (2, 1), (3, 0)])
def test_a_revision_that_is_known_or_older_is_claimed(monkeypatch, revision, claimed):
    monkeypatch.setitem(kinds, "toy.greet", dataclasses.replace(kinds["toy.greet"], revision=2))
    build(1)
    Effect.objects.update(revision=revision)

    assert len(claim.claim_fair_share("outward", 100)) == claimed
