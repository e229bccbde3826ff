"""The worker of the slow lane, and what it costs where nothing is slow."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from engine import registry
from engine.registry import SLOW, slow_kinds
from engine.worker import checks
from engine.worker.beat_schedule import beat_schedule
from engine.worker.broker import limits, own_queues, queue_names, queues, served_lanes, swept_queues
from engine.worker.notifications import _pending_key

KIND = "mail.trial_started"


@pytest.fixture
def slow(monkeypatch):
    kind = dataclasses.replace(registry.kinds[KIND], lane=SLOW, timeout=timedelta(minutes=10))
    monkeypatch.setitem(registry.kinds, KIND, kind)
    monkeypatch.setattr("engine.worker.checks.app.conf.task_queues", queues())  # made when a process starts


@pytest.fixture
def slow_worker(slow, settings):
    settings.ENGINE_WORKER_QUEUES = [SLOW]


def found():
    return [error.id for error in checks.lanes_are_served()]


def test_what_is_slow_in_the_product_is_swept_and_has_a_worker():
    """stack/application.py, docker-compose.yml and the chart start it."""
    assert [kind.name for kind in slow_kinds()] == ["statement.read_large"]
    assert swept_queues() == [*queue_names(), SLOW]


def test_worker_of_a_lane_that_no_kind_has_does_not_start(settings):
    settings.ENGINE_WORKER_QUEUES = ["attic"]

    assert found() == ["engine.E011"]


@pytest.mark.usefixtures("slow")
def test_slow_lane_is_swept_in_a_queue_of_its_own_that_no_commit_notifies():
    assert SLOW not in queue_names()
    assert swept_queues() == [*queue_names(), SLOW]
    assert own_queues() == queue_names()
    assert SLOW not in served_lanes()
    assert _pending_key(SLOW) not in map(_pending_key, queue_names())


@pytest.mark.usefixtures("slow_worker")
def test_worker_of_the_slow_lane_needs_no_other_setting_and_does_no_other(settings):
    assert (found(), own_queues(), served_lanes()) == ([], [SLOW], [SLOW])

    settings.ENGINE_WORKER_QUEUES = [SLOW, "inward"]
    assert "engine.E014" in found()


@pytest.mark.usefixtures("slow")
def test_limits_of_its_child_follow_the_longest_of_its_kinds():
    """A message carries the limits of its queue, also if a slow worker sends it to the others."""
    sweeps = beat_schedule(swept_queues())

    assert limits(SLOW) == {"soft_time_limit": 622, "time_limit": 625}
    assert limits("inward") == {"soft_time_limit": 22, "time_limit": 25}
    assert sweeps["sweep slow"]["options"].items() >= limits(SLOW).items()
    assert sweeps["sweep inward"]["options"].items() >= limits("inward").items()
