"""What is said to the workers: `tasks.doorbell`."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tasks import doorbell
from tasks.celery import app
from tasks.doorbell import answer, messages, ring_for

QUEUE = "inward"


@pytest.fixture
def broker():
    """The real one, empty."""
    with app.producer_or_acquire() as producer:
        client = producer.channel.client
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def silence(monkeypatch):
    monkeypatch.setattr(doorbell, "_quiet_until", 0.0)


@pytest.mark.usefixtures("silence")
def test_one_message_stands_for_all_that_is_recorded_before_it_is_answered(broker):
    for _ in range(50):
        ring_for(ids=[uuid4()])
    assert broker.llen(QUEUE) == 1

    answer()
    for _ in range(50):
        ring_for(ids=[uuid4()])
    assert broker.llen(QUEUE) == 2


@pytest.mark.usefixtures("silence")
def test_a_ring_that_nobody_answers_is_taken_for_lost(broker):
    ring_for(ids=[uuid4()])
    assert 0 < broker.pttl(doorbell.RUNG) <= doorbell.UNANSWERED

    broker.delete(doorbell.RUNG)  # as it will be then
    ring_for(ids=[uuid4()])

    assert broker.llen(QUEUE) == 2


@pytest.mark.usefixtures("silence")
def test_many_are_rung_for_at_once_whatever_was_rung_before(broker):
    ring_for(ids=[uuid4()])
    ring_for(ids=[uuid4() for _ in range(400)])

    assert broker.llen(QUEUE) == 1 + 4


def test_a_few_are_named_and_many_are_not():
    few, many = [uuid4() for _ in range(25)], [uuid4() for _ in range(500)]

    assert messages(few) == [[str(key) for key in few]]
    assert messages([]) == [[]]
    assert messages(many[:26]) == [[]]
    assert messages(many) == [[]] * 4
