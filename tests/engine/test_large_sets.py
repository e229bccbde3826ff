from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.models import Subscription
from core.problems import WrongState
from engine import NewEffect, Step, create_many, perform, perform_many, schedule_many
from engine.deadline import deadline
from engine.models import Effect, Transition
from engine.persist import CHUNK_ROWS
from tests.factories import StaffFactory, SubscriptionFactory
from tests.toy.effects import count_visits
from tests.toy.models import Door

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return StaffFactory()


def doors(count):
    built = [Door(building=UUID(int=1)) for _ in range(count)]
    create_many(built)
    return built


@pytest.mark.django_db(transaction=True)
def test_five_thousand_objects_are_created_and_changed_in_a_minute(staff):
    """H4"""
    with deadline(timedelta(seconds=60)):
        built = doors(5000)
        perform_many([door.open_up for door in built], by=staff)

    assert Door.objects.filter(status="open", version=2).count() == 5000
    assert Transition.objects.filter(machine="door").count() == 10_000
    assert Effect.objects.filter(kind="toy.count").count() == 5000


def test_a_large_set_is_written_in_parts_and_is_one_all_the_same(staff, django_assert_num_queries):
    """H4"""
    built = doors(2 * CHUNK_ROWS + 1)
    with django_assert_num_queries(3 + 2), transaction.atomic():
        perform_many([door.open_up for door in built], by=staff)

    perform(Door.objects.get(pk=built[0].pk).close)
    with pytest.raises(WrongState), transaction.atomic():
        perform_many([door.close for door in built])
    assert Door.objects.filter(status="open").count() == 2 * CHUNK_ROWS


def active_subscriptions():
    taken = [SubscriptionFactory() for _ in range(3)]
    perform_many([Step(one.activate, {"on": date(2026, 1, 1), "until": date(2026, 2, 1)}) for one in taken])
    return taken


STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["renew", "upgrade", "fall_behind", "end"])), max_size=9)


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(wanted=STEPS)
@example(wanted=[(0, "upgrade"), (0, "renew"), (1, "renew"), (1, "renew")])  # one renew beside the other
def test_steps_of_several_objects_are_taken_in_the_order_given(wanted):
    """H10: whatever they change, and in whatever order the objects take turns."""
    with transaction.atomic():
        taken = active_subscriptions()
        steps, expected = [], {one.pk: ["begin", "activate"] for one in taken}
        for number, name in wanted:
            one, so_far = taken[number], expected[taken[number].pk]
            if "end" in so_far or ("fall_behind" in so_far and name != "end"):
                continue
            inputs = {
                "renew": {"until": date(2026, 2, 1) + timedelta(days=len(so_far))},
                "upgrade": {"plan": one.plan_id, "price": Decimal(90 + len(so_far)), "credits_a_month": 5000},
            }
            steps.append(Step(getattr(one, name), inputs.get(name, {})))
            so_far.append(name)

        facts = perform_many(steps)

        assert [(fact.object_id, fact.name) for fact in facts] == [
            (step.subject.pk, step.method.__name__) for step in steps
        ]
        for one in taken:
            recorded = Transition.objects.filter(object_id=one.pk).order_by("seq")
            assert [fact.name for fact in recorded] == expected[one.pk]
            row = Subscription.objects.get(pk=one.pk)
            assert (row.status, row.version, row.price, row.period_end) == (
                one.status,
                one.version,
                one.price,
                one.period_end,
            )
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("columns_differ", [False, True])
def test_two_sets_in_opposite_orders_do_not_deadlock(columns_differ):
    """H11: neither is a deadlock, also where what they change differs from row to row."""
    staff = StaffFactory()
    first, held, last, also_held = doors(4)
    if columns_differ:  # who opened it is known already, so these change nothing but the status
        Door.objects.filter(pk__in=[first.pk, held.pk]).update(opened_by=staff)
    ends = Counter()

    def open_all(*wanted):
        copies = {door.pk: door for door in Door.objects.filter(pk__in=[door.pk for door in wanted])}
        try:
            perform_many([copies[door.pk].open_up for door in wanted], by=staff)
            ends["won"] += 1
        except Exception as error:
            ends[type(error).__mro__[1].__name__] += 1
        finally:
            connection.close()

    callers = [
        threading.Thread(target=open_all, args=[first, held, last]),
        threading.Thread(target=open_all, args=[last, also_held, first]),
    ]
    with transaction.atomic():
        list(Door.objects.filter(pk__in=[held.pk, also_held.pk]).select_for_update())
        for caller in callers:
            caller.start()
        time.sleep(1)  # now each has the row that it named first, if they lock as they please
    for caller in callers:
        caller.join(30)

    assert ends == {"won": 1, "WrongState": 1}


def test_effects_scheduled_in_chunks_are_returned_in_order(django_assert_num_queries):
    """H4"""
    effects = [NewEffect(count_visits, f"many:{number}") for number in range(CHUNK_ROWS + 2)]
    schedule_many(effects[3:5])

    with django_assert_num_queries(2 + 2), transaction.atomic():
        ids = schedule_many(effects)

    assert [number for number, key in enumerate(ids) if key is None] == [3, 4]
    keys = dict(Effect.objects.values_list("pk", "key"))
    assert all(keys[key] == effect.key for key, effect in zip(ids, effects, strict=True) if key)
