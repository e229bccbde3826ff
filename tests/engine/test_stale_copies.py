from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.db.transaction import atomic

from core.problems import PermissionDenied, WrongState
from engine import RequestKeyReused, create, perform, perform_many
from engine.models import Effect, Transition
from tests.factories import StaffFactory, UserFactory
from tests.toy.models import Door

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff():
    return StaffFactory()


@pytest.fixture
def door():
    door = Door()
    create(door)
    return door


def rolled_back(method, **given):
    with atomic():
        perform(method, **given)
        connection.set_rollback(True)


def test_a_copy_that_is_ahead_after_a_rollback_is_refused_once_and_then_right(door, staff):
    rolled_back(door.open_up, by=staff)
    assert (door.status, door.version) == ("open", 2)

    with pytest.raises(WrongState, match="changed meanwhile: it is shut"):
        perform(door.close)

    assert (door.status, door.version, door.opened_by) == ("shut", 1, None)
    perform(door.open_up, by=staff)
    assert Transition.objects.filter(object_id=door.pk).count() == 2


def test_a_copy_that_is_ahead_and_asked_for_the_same_again_is_refused_and_then_right(door, staff):
    rolled_back(door.open_up, by=staff)

    with pytest.raises(WrongState):
        perform(door.open_up, by=staff)

    assert (door.status, door.version) == ("shut", 1)
    perform(door.open_up, by=staff)


def test_a_copy_that_is_ahead_does_not_pass_for_what_somebody_else_did_next(staff):
    door = Door(status="open")
    create(door)
    perform(door.close)
    rolled_back(door.open_up, by=staff)  # in memory it is open, and its version is 3
    other = Door.objects.get(pk=door.pk)
    perform(other.open_up, by=staff)
    perform(other.close)
    door.version = 4  # as after one more transition that was rolled back

    with pytest.raises(WrongState, match="it is shut"):
        perform(door.close)

    assert (door.status, door.version) == ("shut", 4)


def test_a_stale_copy_that_saw_the_same_state_on_an_earlier_visit_is_refused(door, staff):
    stale = Door.objects.get(pk=door.pk)
    perform(door.open_up, by=staff)
    perform(door.close)
    assert stale.status == door.status == "shut"

    with pytest.raises(WrongState, match="changed meanwhile"):
        perform(stale.open_up, by=staff)

    assert stale.version == 3
    assert Door.objects.get(pk=door.pk).status == "shut"
    perform(stale.open_up, by=staff)


def test_stale_copy_refused_for_its_state_is_refreshed(door, staff):
    stale = Door.objects.get(pk=door.pk)
    perform(door.open_up, by=staff)

    with pytest.raises(WrongState):
        perform(stale.close)

    assert (stale.status, stale.opened_by) == ("open", staff)


def test_stale_copy_refused_for_permission_is_refreshed(door, staff):
    stale = Door.objects.get(pk=door.pk)
    perform(door.open_up, by=staff)

    with pytest.raises(PermissionDenied):
        perform(stale.open_up, by=UserFactory())

    assert stale.status == "open"


@pytest.mark.django_db(transaction=True)
def test_stale_members_of_a_refused_set_are_refreshed(staff):
    doors = [Door() for _ in range(4)]
    for door in doors:
        create(door)
    for door in Door.objects.filter(pk__in=[doors[1].pk, doors[3].pk]):
        perform(door.open_up, by=staff)

    with pytest.raises(WrongState):
        perform_many([door.open_up for door in doors], by=staff)

    assert [door.status for door in doors] == ["shut", "open", "shut", "open"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("doors", [1, 2])
def test_a_request_asked_many_times_at_once_is_answered_with_one_transition(staff, doors):
    """Whether the others lose by the row (one door) or by the key, which was used for another request meanwhile."""
    all_doors = [Door() for _ in range(doors)]
    for each in all_doors:
        create(each)
    start, answers, refused = threading.Barrier(6), [], []

    def ask(number):
        mine = Door.objects.get(pk=all_doors[number % doors].pk)
        start.wait()
        try:
            answers.append(perform(mine.open_up, by=staff, request_key="k").pk)
        except RequestKeyReused:
            refused.append(mine.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (fact,) = Transition.objects.filter(name="open_up")
    assert answers == [fact.pk] * (6 // doors)
    assert refused == [each.pk for each in all_doors if each.pk != fact.object_id] * (6 // doors)
    assert Door.objects.filter(status="open").count() == 1
    assert Effect.objects.filter(transition=fact).count() == 3


def test_a_request_that_lost_to_another_request_is_refused(door, staff):
    stale = Door.objects.get(pk=door.pk)
    perform(door.open_up, by=staff, request_key="a")

    with pytest.raises(WrongState):
        perform(stale.open_up, by=staff, request_key="b")
